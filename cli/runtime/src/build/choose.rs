//! The build plan: which binaries of which workspaces, and which commands. Pure.

use std::collections::BTreeMap;
use std::path::PathBuf;

use msvc_system::problem::{Problem, Problems, nearest};

use super::context::{Asked, CargoAsked};
use super::metadata::{Package, Workspace};
use super::{BuildPlan, CargoBuild};

/// The plan for what is asked, given the workspaces found.
pub(super) fn choose(asked: Vec<Asked>, workspaces: &[Workspace]) -> Result<BuildPlan, Problems> {
    let mut plan = BuildPlan::default();
    let mut builds: BTreeMap<PathBuf, CargoBuild> = BTreeMap::new();
    let mut problems = Problems::default();
    for asked in asked {
        match asked {
            Asked::Command(command) => plan.commands.push(command),
            Asked::Cargo(asked) => match binary(&asked, workspaces) {
                Ok(None) => {}
                Ok(Some((workspace, package, bin))) => {
                    let build =
                        builds
                            .entry(workspace.root.clone())
                            .or_insert_with(|| CargoBuild {
                                root: workspace.root.clone(),
                                bins: BTreeMap::new(),
                                whole_workspace: false,
                                link_statically: false,
                            });
                    build.whole_workspace |= !workspace.builds_by_default(package);
                    build.bins.entry(bin).or_default().push(asked.service);
                }
                Err(problem) => problems.push(problem),
            },
        }
    }
    plan.cargo = builds.into_values().collect();
    problems.or(plan)
}

type Binary<'a> = (&'a Workspace, &'a Package, String);

/// The binary that `asked` means; none when nothing says that cargo builds it.
fn binary<'a>(
    asked: &CargoAsked,
    workspaces: &'a [Workspace],
) -> Result<Option<Binary<'a>>, Problem> {
    let found = workspaces
        .iter()
        .find_map(|workspace| Some((workspace, workspace.package_in(&asked.context)?)));
    let Some((workspace, package)) = found else {
        return if asked.said {
            Err(Problem::error(format!(
                "{} is to be built by cargo, and there is no package in {}",
                asked.service,
                asked.context.display()
            ))
            .at(asked.place.clone())
            .hint("name the folder of its Cargo.toml as the build context"))
        } else {
            Ok(None)
        };
    };
    let bin = match &asked.bin {
        Some(bin) if package.bins().any(|other| other == bin) => bin.clone(),
        Some(bin) => return Err(no_such_binary(asked, package, bin)),
        None => match package.bin_of(asked.service.as_str()) {
            Some(bin) => bin.to_owned(),
            // A library beside a Dockerfile: whatever the file says to run is no binary of it.
            None if package.bins().next().is_none() && !asked.said => return Ok(None),
            None => return Err(which_binary(asked, package)),
        },
    };
    let others: Vec<&str> = workspace
        .packages_with(&bin)
        .filter(|other| other.name != package.name)
        .map(|other| other.name.as_str())
        .collect();
    if !others.is_empty() {
        return Err(Problem::error(format!(
            "the binary `{bin}` of {} is also one of {}: one would overwrite the other",
            package.name,
            others.join(", ")
        ))
        .at(asked.place.clone())
        .hint("give one of them another name in its Cargo.toml"));
    }
    Ok(Some((workspace, package, bin)))
}

fn no_such_binary(asked: &CargoAsked, package: &Package, bin: &str) -> Problem {
    let problem = Problem::error(format!("package {} has no binary `{bin}`", package.name))
        .at(asked.place.clone());
    match nearest(bin, package.bins()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem,
    }
}

fn which_binary(asked: &CargoAsked, package: &Package) -> Problem {
    let bins: Vec<&str> = package.bins().collect();
    Problem::error(format!(
        "which binary of package {} is {}? It has {}",
        package.name,
        asked.service,
        match bins.as_slice() {
            [] => "none".to_owned(),
            bins => bins.join(", "),
        }
    ))
    .at(asked.place.clone())
    .hint("say `x-msvc: {process: {build: {cargo: NAME}}}`")
}
