//! A service that was not started, told at the line that says what it runs, or what an engine does
//! not take.

use msvc_report::exit::Exit;
use msvc_runtime::contract::{Blame, RuntimeError};
use msvc_runtime::docker::fields_meant;
use msvc_runtime::up::UpError;
use msvc_system::id::ServiceName;
use msvc_system::model::System;
use msvc_system::problem::{Place, Problem};

use crate::failure::Failure;

/// Why a lane in an engine is not up, at the line that the engine's words are about.
pub(super) fn not_up_in_engine(system: &System, why: UpError) -> Failure {
    match why {
        UpError::Runtime(RuntimeError::Start { instance, why }) => {
            let hint = "correct the words that start it, or let its image have what they name";
            let service = system.service(instance.service.as_str());
            let place = service.map(|it| it.command_place.clone());
            not_started(&instance.service, &why, place, hint)
        }
        UpError::Runtime(RuntimeError::NotTaken {
            instance,
            why,
            blame,
        }) => not_taken(system, &instance.service, &why, blame),
        UpError::Runtime(
            ref error @ RuntimeError::Network {
                ref network, blame, ..
            },
        ) => {
            let mut problem = Problem::error(error.to_string());
            problem.place = system.written.network(network);
            if blame == Blame::File && problem.place.is_some() {
                problem = problem.hint("correct what the file says of it");
            }
            of_one(blame.exit(), problem)
        }
        other => hook_failed(system, other).unwrap_or_else(Failure::from),
    }
}

/// Signs of what the engine may not do on this machine, whatever the file says.
const FORBIDDEN: [&str; 2] = ["operation not permitted", "permission denied"];

/// What an engine does not take of a service: at the field that it names where that stands in the
/// files, else at the service.
fn not_taken(system: &System, name: &ServiceName, why: &str, blame: Blame) -> Failure {
    let found = fields_meant(why).find_map(|field| {
        let place = match field {
            "address" => system.written.address(name.as_str()),
            field => system.written.field(name.as_str(), field),
        };
        Some((field.rsplit('/').next().unwrap_or(field), place?))
    });
    let mut problem = Problem::error(format!("{name} cannot be started: the engine says: {why}"));
    let mut exit = blame.exit();
    if let Some((field, place)) = found {
        problem.place = Some(place);
        let is_forbidden = FORBIDDEN.iter().any(|sign| why.contains(sign));
        exit = if is_forbidden {
            Exit::CouldNot
        } else {
            Exit::Input
        };
        problem.hint = Some(match is_forbidden {
            true => format!("take `{field}` out, or let the engine have the right to do it"),
            false => format!("correct `{field}`, or take it out"),
        });
    } else if blame != Blame::Nobody {
        problem.place = system.service(name.as_str()).map(|it| it.place.clone());
        let hint = "correct what the file says of it; `msvc config` prints all of that";
        problem.hint = Some(hint.to_owned());
    }
    of_one(exit, problem)
}

/// That what a service's `post_start` runs did not end well, at its line; else the error again.
pub(super) fn hook_failed(system: &System, error: UpError) -> Result<Failure, UpError> {
    let UpError::Runtime(RuntimeError::PostStart {
        instance,
        number,
        why,
    }) = error
    else {
        return Err(error);
    };
    let service = system.service(instance.service.as_str());
    let hook = service.and_then(|it| it.post_start.get(number));
    let place = hook.map(|it| it.place.clone());
    let hint = "it is run where the service runs, once it has started: correct it, or make what it \
                needs";
    Ok(not_started(&instance.service, &why, place, hint))
}

/// A service that was not started, with the line that says what it runs.
pub(super) fn not_started(
    name: &ServiceName,
    why: &str,
    place: Option<Place>,
    hint: &str,
) -> Failure {
    let what = format!("{name} cannot be started: {why}");
    let mut problem = Problem::error(what).hint(hint);
    problem.place = place;
    of_one(Exit::Failed, problem)
}

fn of_one(exit: Exit, problem: Problem) -> Failure {
    Failure {
        exit,
        problems: vec![problem],
        lines: Vec::new(),
    }
}
