//! Writes archives and images from descriptions, honest or not.
//!
//! tar: POSIX and GNU tar's manual. Images: CRIU's wiki, `images/*.proto` and
//! `criu/include/magic.h`. Pages: LZ4's description of its blocks. Nothing
//! here comes from the reader.

mod damage;
mod dump;
mod files;
mod image;
mod lz4;
mod machine;
mod sparse;
mod tar;

pub use damage::{DAMAGE, Damage, split};
pub use dump::{Dump, Run, Store, Vma, chain};
pub use files::Files;
pub use image::{Message, Order, image, magic, with_one_magic};
pub use lz4::lz4;
pub use machine::{MACHINES, Machine};
pub use sparse::{SPARSE, Sparse, put_sparse};
pub use tar::{Member, extended, long_name, pax, put_member, tar};
