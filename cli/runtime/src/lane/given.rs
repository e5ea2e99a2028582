//! Secrets and configs whose file is not there: told before anything is built.

use std::collections::BTreeSet;
use std::path::Path;

use msvc_system::id::ServiceName;
use msvc_system::model::{FileSource, System};
use msvc_system::problem::{Problem, Problems};

/// Looks at each file that one of `services` is given, where a replica of it runs. Files that msvc makes where they are missing
/// (`x-msvc.generate`) need not be there; `is_there` tells of the others.
///
/// # Errors
/// One problem for each file that is missing, at the line that names it.
pub fn given(
    system: &System,
    services: &BTreeSet<ServiceName>,
    is_there: fn(&Path) -> bool,
) -> Result<(), Problems> {
    let secrets = system.x_msvc.secrets.values();
    let made: Vec<&FileSource> = secrets
        .filter(|secret| secret.generate.is_some())
        .map(|secret| &secret.source)
        .collect();
    let mut told = BTreeSet::new();
    let mut problems = Problems::default();
    let all = system.services.values();
    for service in all.filter(|it| it.replicas > 0 && services.contains(&it.name)) {
        for file in &service.files {
            let FileSource::Host(path) = &file.source else {
                continue;
            };
            if made.contains(&&file.source) || is_there(path) || !told.insert(path) {
                continue;
            }
            let what = format!(
                "{} needs the {}, whose file {} is not there",
                service.name,
                file.what,
                path.display()
            );
            let problem = Problem::error(what).at(file.source_place.clone());
            problems.push(problem.hint("make the file, or correct its path"));
        }
    }
    problems.or(())
}
