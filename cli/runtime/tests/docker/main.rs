//! The runtime of containers driven as the commands drive it, in whatever engine answers. Where
//! none does, each test says loudly that it was skipped; with `MSVC_TESTS_SKIP_NOTHING` set it fails.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like the tests they help"
)]

mod given;
mod images;
mod lives;
mod networks;
mod refusals;
mod roles;
mod support;
