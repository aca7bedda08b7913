//! Decodes container checkpoints made by CRIU.

pub mod image;
