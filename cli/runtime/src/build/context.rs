//! What each service's part of the file asks to be built.

use std::collections::BTreeSet;
use std::path::PathBuf;

use msvc_system::id::ServiceName;
use msvc_system::model::{ProcessBuild, Service, System};
use msvc_system::problem::{Place, Problem};

use super::CommandBuild;

/// What a service asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// A binary of the Cargo package in its build context.
    Cargo(CargoAsked),
    /// A command.
    Command(CommandBuild),
}

/// A binary of a Cargo package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CargoAsked {
    pub(super) service: ServiceName,
    pub(super) context: PathBuf,
    pub(super) place: Place,
    /// Which binary, when the file says.
    pub(super) bin: Option<String>,
    /// Whether the file says that cargo builds it; else it does when there is a package.
    pub(super) said: bool,
}

/// What the services of `chosen` ask for.
pub(super) fn asked(
    system: &System,
    chosen: &BTreeSet<ServiceName>,
) -> Result<Vec<Asked>, Vec<Problem>> {
    let mut asked = Vec::new();
    let mut problems = Vec::new();
    for service in system.services.values() {
        if chosen.contains(&service.name) {
            match of(service) {
                Ok(found) => asked.extend(found),
                Err(problem) => problems.push(problem),
            }
        }
    }
    if problems.is_empty() {
        Ok(asked)
    } else {
        Err(problems)
    }
}

fn of(service: &Service) -> Result<Option<Asked>, Problem> {
    let said = service.x_msvc.process.build.as_ref();
    let Some(build) = &service.build else {
        return match said {
            None | Some(ProcessBuild::Nothing) => Ok(None),
            Some(ProcessBuild::Cargo { .. } | ProcessBuild::Command(_)) => {
                Err(Problem::error(format!(
                    "{} has an `x-msvc.process.build` and no build context",
                    service.name
                ))
                .at(service.place.clone())
                .hint("say where it is built: `build: ./FOLDER`"))
            }
        };
    };
    let bin = match said {
        Some(ProcessBuild::Nothing) => return Ok(None),
        Some(ProcessBuild::Command(command)) => {
            return Ok(Some(Asked::Command(CommandBuild {
                service: service.name.clone(),
                directory: build.context.clone(),
                command: command.command.clone(),
                programs: command.path.as_ref().map(|path| build.context.join(path)),
                for_image: command.image,
            })));
        }
        Some(ProcessBuild::Cargo { bin }) => bin.clone(),
        None => None,
    };
    Ok(Some(Asked::Cargo(CargoAsked {
        service: service.name.clone(),
        context: build.context.clone(),
        place: build.place.clone(),
        bin,
        said: said.is_some(),
    })))
}
