//! The commands, one file each: a request in, an [`Ending`](crate::exit::Ending) out.

pub mod chaos;
pub mod config;
pub mod contract;
pub mod demo;
pub mod doctor;
pub mod down;
pub mod journey;
pub mod logs;
pub mod new;
pub mod ps;
pub mod ready;
pub mod up;
