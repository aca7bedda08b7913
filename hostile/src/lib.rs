//! Evidence that means harm: a writer, a mutator, and what is done with the results.
//!
//! - [`mod@write`] builds archives and images from a few words. It was written
//!   from the formats' descriptions and shares no layout with the reader.
//! - [`mutate`] changes bytes, numbers, records and members, by a seed.
//! - [`bodies`] feed bytes to one part of the library each. The fuzz targets
//!   in `fuzz/`, the tests and the program of this crate all call them.
//! - [`corpus`] is the sample evidence that inputs are made of.
//! - [`count`] is an allocator that knows how much is held.

pub mod bodies;
pub mod corpus;
pub mod count;
pub mod mutate;
pub mod write;

pub use corpus::Corpus;
pub use mutate::Dice;
