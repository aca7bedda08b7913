//! A kubectl plugin that freezes a running container into evidence, brings it
//! home verified and shows what is in it.

pub mod cluster;
