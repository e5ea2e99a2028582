//! Doing: asks cargo what there is, then builds, several workspaces at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use msvc_machine::child::{self, ChildCommand, ChildEnd, ChildLine};
use msvc_machine::clock::Clock;
use msvc_machine::shutdown::Shutdown;
use msvc_machine::ward::Mark;
use msvc_report::event::Event;
use msvc_system::id::ServiceName;
use msvc_system::model::Service;
use msvc_system::problem::Problems;

use super::cargo::Told;
use super::context::{Asked, asked};
use super::metadata::Workspace;
use super::{
    BuildError, BuildOutcome, BuildPlan, BuildRequest, Built, CargoBuild, CommandBuild, choose,
    environment, fingerprint,
};

/// How a command ends that says that the machine, and not what it builds, is at fault: with the code
/// by which msvc itself says so.
const LACKING: i32 = 3;

/// What is built when this request is carried out. Asks cargo about each workspace; compiles
/// nothing.
///
/// # Errors
/// When the file asks for what is not there, or cargo is missing or refuses a manifest.
pub async fn plan(
    request: &BuildRequest<'_>,
    shutdown: &Shutdown,
) -> Result<BuildPlan, BuildError> {
    let problems = |found| BuildError::Problems(Problems(found));
    let mut asked = asked(request.system, request.services).map_err(problems)?;
    let mut workspaces: Vec<Workspace> = Vec::new();
    for asked in &mut asked {
        let Asked::Cargo(asked) = asked else { continue };
        // Cargo names real paths.
        if let Ok(real) = std::fs::canonicalize(&asked.context) {
            asked.context = real;
        }
        let known = workspaces
            .iter()
            .any(|workspace| workspace.package_in(&asked.context).is_some());
        if !known && asked.context.join("Cargo.toml").is_file() {
            workspaces.push(workspace(request, &asked.context, shutdown).await?);
        }
    }
    choose::choose(asked, &workspaces).map_err(BuildError::Problems)
}

/// What is built on the host for images that Dockerfiles describe: what they copy. Cargo is not
/// asked.
///
/// # Errors
/// When the file asks for what is not there.
pub fn plan_for_dockerfiles(request: &BuildRequest<'_>) -> Result<BuildPlan, BuildError> {
    let problems = |found| BuildError::Problems(Problems(found));
    let asked = asked(request.system, request.services).map_err(problems)?;
    let commands = asked.into_iter().filter_map(|asked| match asked {
        Asked::Command(command) if command.for_image => Some(command),
        Asked::Command(_) | Asked::Cargo(_) => None,
    });
    Ok(BuildPlan {
        cargo: Vec::new(),
        commands: commands.collect(),
    })
}

async fn workspace(
    request: &BuildRequest<'_>,
    folder: &Path,
    shutdown: &Shutdown,
) -> Result<Workspace, BuildError> {
    let arguments = ["metadata", "--no-deps", "--format-version", "1"];
    let command = cargo(request, folder, arguments.map(str::to_owned).into())?;
    let mut out = String::new();
    let mut said = Vec::new();
    let end = child::run(&command, shutdown, |line| match line {
        ChildLine::Out(text) => out.push_str(&text),
        ChildLine::Err(text) => said.push(text),
    });
    succeeded(end.await?, &folder.display().to_string(), || {
        said.join("\n")
    })?;
    serde_json::from_str(&out).map_err(|source| BuildError::Metadata {
        root: folder.to_owned(),
        source,
    })
}

/// Builds what `plan` says. The first build that fails ends the others.
///
/// # Errors
/// When a build fails (with its own message), cannot be run, or a shutdown is requested.
pub async fn build(
    plan: &BuildPlan,
    request: &BuildRequest<'_>,
    clock: &dyn Clock,
    sink: &(dyn Fn(Event) + Send + Sync),
    shutdown: &Shutdown,
) -> Result<BuildOutcome, BuildError> {
    let others = shutdown.child();
    let building = Building {
        request,
        clock,
        sink,
        shutdown: &others,
    };
    let mut outcome = BuildOutcome::default();
    for name in request.services {
        if let Some(service) = request.system.services.get(name) {
            outcome
                .services
                .insert(name.clone(), unbuilt(service, request, None));
        }
    }
    let cargo = plan.cargo.iter().map(One::Cargo);
    let commands = plan.commands.iter().map(One::Command);
    let mut running: FuturesUnordered<_> =
        cargo.chain(commands).map(|one| building.one(one)).collect();
    let mut failed = None;
    while let Some(result) = running.next().await {
        match result {
            Ok((services, changed)) => {
                outcome.services.extend(services);
                outcome.changed |= changed;
            }
            Err(error) => {
                others.request_once();
                failed.get_or_insert(error);
            }
        }
    }
    match failed {
        Some(error) => Err(error),
        None => {
            drop(running);
            files_of_commands(plan, request, &mut outcome);
            Ok(outcome)
        }
    }
}

/// What stands for a service that nobody builds: the files that its command names, there or in the
/// folder of its `programs`.
fn unbuilt(service: &Service, request: &BuildRequest<'_>, programs: Option<&Path>) -> Built {
    let process = &service.x_msvc.process;
    let words: Vec<String> = match &process.command {
        Some(command) => command.clone(),
        None => [&service.entrypoint, &service.command]
            .into_iter()
            .flatten()
            .flatten()
            .cloned()
            .collect(),
    };
    let context = service.build.as_ref().map(|build| build.context.clone());
    let directory = process.working_dir.clone().or(context);
    let directory = directory.unwrap_or_else(|| request.system.root.clone());
    let own = programs.zip(words.first());
    let own = own.and_then(|(folder, program)| fingerprint::of(&folder.join(program)));
    Built {
        folder: programs.map(Path::to_owned),
        fingerprint: own.or_else(|| fingerprint::of_words(&words, &directory)),
        ..Built::default()
    }
}

/// What commands built is there only after they ran.
fn files_of_commands(plan: &BuildPlan, request: &BuildRequest<'_>, outcome: &mut BuildOutcome) {
    for build in &plan.commands {
        if let Some(service) = request.system.services.get(&build.service) {
            let built = unbuilt(service, request, build.programs.as_deref());
            outcome.services.insert(build.service.clone(), built);
        }
    }
}

enum One<'a> {
    Cargo(&'a CargoBuild),
    Command(&'a CommandBuild),
}

type Done = (BTreeMap<ServiceName, Built>, bool);

struct Building<'a> {
    request: &'a BuildRequest<'a>,
    clock: &'a dyn Clock,
    sink: &'a (dyn Fn(Event) + Send + Sync),
    shutdown: &'a Shutdown,
}

impl Building<'_> {
    async fn one(&self, one: One<'_>) -> Result<Done, BuildError> {
        let began = self.clock.now();
        let what = match &one {
            One::Cargo(build) => build.what(),
            One::Command(build) => build.service.to_string(),
        };
        (self.sink)(Event::BuildBegan { what: what.clone() });
        let (services, changed) = match one {
            One::Cargo(build) => self.cargo(build, &what).await?,
            One::Command(build) => self.command(build, &what).await?,
        };
        (self.sink)(Event::BuildEnded {
            what,
            changed,
            seconds: self.clock.now().duration_since(began).as_secs_f64(),
        });
        Ok((services, changed))
    }

    async fn cargo(&self, build: &CargoBuild, what: &str) -> Result<Done, BuildError> {
        let mut arguments = build.arguments();
        arguments.push("--message-format=json-render-diagnostics".to_owned());
        let command = cargo(self.request, &build.root, arguments)?;
        let mut told = Told::default();
        let end = child::run(&command, self.shutdown, |line| {
            if let Some(line) = told.line(line) {
                (self.sink)(Event::BuildProgress { line });
            }
        });
        let end = end.await?;
        let compiled = told.compiled;
        let executables = std::mem::take(&mut told.executables);
        succeeded(end, what, || told.message_text())?;
        let mut services = BTreeMap::new();
        for (bin, owners) in &build.bins {
            let executable = executables.get(bin).ok_or_else(|| BuildError::NoBinary {
                bin: bin.clone(),
                root: build.root.clone(),
            })?;
            let built = Built {
                folder: executable.parent().map(Path::to_owned),
                program: Some(bin.clone()),
                fingerprint: fingerprint::of(executable),
            };
            services.extend(owners.iter().map(|owner| (owner.clone(), built.clone())));
        }
        Ok((services, compiled))
    }

    async fn command(&self, build: &CommandBuild, what: &str) -> Result<Done, BuildError> {
        let service = self.request.system.services.get(&build.service);
        let files = || unbuilt(service?, self.request, build.programs.as_deref()).fingerprint;
        let before = files();
        let mut words = build.command.iter().map(OsString::from);
        let program = words.next().unwrap_or_default();
        let command = ChildCommand {
            program,
            arguments: words.collect(),
            directory: build.directory.clone(),
            environment: variables(self.request, &build.directory),
        };
        let mut said = Vec::new();
        let end = child::run(&command, self.shutdown, |line| {
            let (ChildLine::Out(line) | ChildLine::Err(line)) = line;
            said.push(line.clone());
            (self.sink)(Event::BuildProgress { line });
        });
        let end = end.await?;
        // A command's last words tell why it failed.
        let last = said.split_off(said.len().saturating_sub(40));
        if matches!(&end, ChildEnd::Exited(status) if status.code() == Some(LACKING)) {
            return Err(BuildError::Lacking {
                what: what.to_owned(),
                message: last.join("\n"),
            });
        }
        succeeded(end, what, || last.join("\n"))?;
        // Whether it did anything only the files can tell.
        Ok((BTreeMap::new(), files() != before))
    }
}

fn succeeded(
    end: ChildEnd,
    what: &str,
    message: impl FnOnce() -> String,
) -> Result<(), BuildError> {
    match end {
        ChildEnd::Interrupted => Err(BuildError::Interrupted),
        ChildEnd::Exited(status) if status.success() => Ok(()),
        ChildEnd::Exited(status) => {
            let message = message();
            Err(BuildError::Failed {
                what: what.to_owned(),
                message: if message.is_empty() {
                    format!("it ended with {status} and said nothing")
                } else {
                    message
                },
            })
        }
    }
}

fn variables(request: &BuildRequest<'_>, folder: &Path) -> Vec<(OsString, OsString)> {
    let toolchain_file = folder.ancestors().find(|folder| {
        let file = |name: &str| folder.join(name).is_file();
        file("rust-toolchain.toml") || file("rust-toolchain")
    });
    environment::environment(request.caller, request.directory, toolchain_file)
        .into_iter()
        .map(|(key, value)| (key.into(), value.into()))
        .chain(request.mark.map(Mark::variable))
        .collect()
}

fn cargo(
    request: &BuildRequest<'_>,
    folder: &Path,
    arguments: Vec<String>,
) -> Result<ChildCommand, BuildError> {
    let program = find_cargo(request.caller).ok_or_else(|| BuildError::NoCargo {
        root: folder.to_owned(),
    })?;
    Ok(ChildCommand {
        program: program.into(),
        arguments: arguments.into_iter().map(OsString::from).collect(),
        directory: folder.to_owned(),
        environment: variables(request, folder),
    })
}

/// Cargo as the caller finds it; else the outer cargo itself, else where rustup puts it.
fn find_cargo(caller: &BTreeMap<String, String>) -> Option<PathBuf> {
    let path = caller.get("PATH").map(String::as_str).unwrap_or_default();
    let on_path = std::env::split_paths(path).map(|folder| folder.join("cargo"));
    let outer = caller.get("CARGO").map(PathBuf::from);
    let home = caller.get("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(Path::new(caller.get("HOME")?).join(".cargo")));
    let installed = home.map(|home| home.join("bin/cargo"));
    on_path
        .chain(outer)
        .chain(installed)
        .find(|program| program.is_file())
}
