//! The process runtime driven as the commands drive it: real guardians, supervisors, services.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like the tests they help"
)]

mod ends;
mod faults;
mod free;
mod keeps;
mod logs;
mod outside;
mod roles;
mod support;
