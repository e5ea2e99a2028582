//! A network that an engine does not make, told at its line.

use msvc_runtime::contract::Blame;
use msvc_system::model::System;
use msvc_system::problem::Problem;

use super::not_started::of_one;
use crate::failure::Failure;

/// Why the network that the files call `network` was not made.
pub(super) fn network_not_made(system: &System, network: &str, why: &str, blame: Blame) -> Failure {
    let said = format!("the network `{network}` cannot be made: the engine says: {why}");
    let mut problem = Problem::error(said);
    problem.place = system.written.network(network);
    problem.hint = match (blame, &problem.place) {
        _ if why.contains("conflicts with network") || why.contains("Pool overlaps") => Some(
            "write another range (`ipam.config.subnet`), or none: then one is chosen that is free",
        ),
        (Blame::File, Some(_)) => Some("correct what the file says of it"),
        _ => None,
    }
    .map(str::to_owned);
    of_one(blame.exit(), problem)
}
