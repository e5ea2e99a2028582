//! Loading a system, in named steps. Of each file: find, read, `.env`, name, interpolate, `extends`,
//! `include`, merge, fields, long forms ([`model`]); then of all: defaults, paths, contradictions,
//! profiles, normal form, typed values, `x-msvc`, references, edges.
//!
//! What comes in: a [`LoadRequest`] and the [`Files`] to read with. What leaves: a [`Loaded`]
//! system with its warnings, or every problem found. Steps go on after a problem as long as what
//! they would say still means something. What must not enter: effects other than reading through
//! [`Files`]; the process's own environment.

use crate::files::Files;
use crate::model::System;
use crate::problem::{Problem, Problems};
pub use request::{LoadRequest, Without};
use resolved::resolve_into;
pub use resolved::{Chosen, Resolved};
use set_where::SetWhere;
pub use sources::sources_of;
use system::{extensions, system};

#[cfg(test)]
mod elsewhere;
mod find;
#[cfg(test)]
mod found;
#[cfg(test)]
mod given;
pub(crate) mod model;
mod name;
#[cfg(test)]
mod one_cause;
#[cfg(test)]
mod refusals;
mod request;
mod resolved;
pub(crate) mod set_where;
pub(crate) mod sources;
mod system;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

/// A loaded system.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The system.
    pub system: System,
    /// What the user should know, sorted by place.
    pub warnings: Vec<Problem>,
}

/// Loads a system.
///
/// # Errors
/// Every problem found, each with file, line and column where a file is to blame.
pub fn load(request: &LoadRequest, files: &Files) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let mut set_where = SetWhere::default();
    let loaded = resolve_into(request, files, &mut set_where, &mut problems)
        .map(|resolved| system(request, files, resolved, &mut problems));
    let mut problems = problems.settled(files, request.shown_from());
    set_where.tell(request, files, &mut problems);
    match loaded {
        Some(loaded) if !problems.has_errors() => Ok(Loaded {
            warnings: problems.0,
            ..loaded
        }),
        _ => Err(problems),
    }
}

/// Reads what the files of a project say, and what is to be told of it.
///
/// # Errors
/// As [`load`], but for what only a system must have.
pub fn resolve(request: &LoadRequest, files: &Files) -> Result<(Resolved, Vec<Problem>), Problems> {
    let mut problems = Problems::default();
    let mut set_where = SetWhere::default();
    let resolved = resolve_into(request, files, &mut set_where, &mut problems);
    if let Some(resolved) = &resolved
        && !request.without_msvc
        && !request.without.interpolation
    {
        extensions(request, files, resolved, &mut problems);
    }
    let mut problems = problems.settled(files, request.shown_from());
    set_where.tell(request, files, &mut problems);
    match resolved {
        Some(resolved) if !problems.has_errors() => Ok((resolved, problems.0)),
        _ => Err(problems),
    }
}

fn or_report<T>(result: Result<T, Problem>, problems: &mut Problems) -> Option<T> {
    result.map_err(|problem| problems.push(problem)).ok()
}
