//! The checklist over repositories that the tests make: what each check needs, and what it takes
//! for nothing.

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

#[path = "ready/boundaries.rs"]
mod boundaries;
#[path = "ready/broker.rs"]
mod broker;
#[path = "ready/circleci.rs"]
mod circleci;
#[path = "ready/clones.rs"]
mod clones;
#[path = "ready/command.rs"]
mod command;
#[path = "ready/databases.rs"]
mod databases;
#[path = "ready/delivery.rs"]
mod delivery;
#[path = "ready/elsewhere.rs"]
mod elsewhere;
#[path = "ready/every_check.rs"]
mod every_check;
#[path = "ready/idle_pipelines.rs"]
mod idle_pipelines;
#[path = "ready/image_health.rs"]
mod image_health;
#[path = "ready/owned.rs"]
mod owned;
#[path = "ready/unused.rs"]
mod unused;
#[path = "ready/whole.rs"]
mod whole;
