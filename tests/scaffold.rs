//! `msvc new`, as a user meets it: what it writes, what it refuses, and that what it made builds,
//! passes its own tests, boots, keeps its contract and can be broken on purpose.
//!
//! The generated services are built into one folder below the target folder, which stays from run
//! to run: the first run compiles their dependencies, some hundred crates, twice over (once to
//! check, once to run), which takes 75 s on four cores; later runs take seconds.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

#[path = "scaffold/ground.rs"]
mod ground;
#[path = "scaffold/makes.rs"]
mod makes;
#[path = "scaffold/refuses.rs"]
mod refuses;
#[path = "scaffold/wires.rs"]
mod wires;
