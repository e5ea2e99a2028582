//! Which system the command line means: its folder, its files, and the flags that choose it again.

use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use msvc_report::exit::Exit;
use msvc_system::files::Files;
use msvc_system::id::ProjectName;
use msvc_system::load::{LoadRequest, Loaded, load};
use msvc_system::model::System;
use msvc_system::problem::{Problem, Problems, Severity};

use crate::cli::{Cli, Command, Journey};
use crate::failure::Failure;
use crate::here::Here;

/// Which system the command line means.
///
/// # Errors
/// When the directory to work in is not there.
pub fn load_request(cli: &Cli, here: &Here) -> Result<LoadRequest, Failure> {
    let environment = std::env::vars_os()
        .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
    let directory = directory(cli, here)?;
    let from = &cli.global.from;
    Ok(LoadRequest {
        project_directory: from
            .project_directory
            .as_ref()
            .map(|folder| here.whole(&directory.join(folder))),
        env_files: from.env_files.iter().map(|it| directory.join(it)).collect(),
        directory,
        shown_from: here
            .folder()
            .is_absolute()
            .then(|| here.folder().to_owned()),
        files: cli.compose_files(),
        project: cli.global.project.clone(),
        profiles: cli.global.profiles.clone(),
        named: match &cli.command {
            Command::Up(up) => up.services.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        },
        environment: environment.collect(),
        lenient: cli.global.lenient,
        ..LoadRequest::default()
    })
}

/// The flags that choose the same system again.
pub(super) fn chosen_by(cli: &Cli, here: &Here) -> Vec<String> {
    let mut words = Vec::new();
    let global = &cli.global;
    let mut flag = |name: &str, value: String| words.extend([name.to_owned(), value]);
    let given = global.directory.clone().unwrap_or_default();
    if sample_is_meant(cli, here.working()) {
        flag("-C", given.join(SAMPLE).display().to_string());
    } else if global.directory.is_some() {
        flag("-C", given.display().to_string());
    }
    for file in cli.compose_files() {
        flag("-f", file.display().to_string());
    }
    for file in &global.from.env_files {
        flag("--env-file", file.display().to_string());
    }
    if let Some(folder) = &global.from.project_directory {
        flag("--project-directory", folder.display().to_string());
    }
    if let Some(project) = &global.project {
        flag("-p", project.clone());
    }
    if let Some(runtime) = global.runtime.and_then(|it| it.to_possible_value()) {
        flag("--runtime", runtime.get_name().to_owned());
    }
    for profile in &global.profiles {
        flag("--profile", profile.clone());
    }
    words
}

/// Loads the system; one without services stands for it where the command needs none and none is
/// there.
pub(super) fn load_system(
    cli: &Cli,
    request: &LoadRequest,
    files: &Files,
) -> Result<Loaded, Failure> {
    let needless = matches!(&cli.command, Command::Journey(Journey::Run(it)) if it.stands_alone());
    if !needless || names_compose_files(cli) || is_found_from(&request.directory) {
        let loaded = match load(request, files) {
            Ok(loaded) => loaded,
            Err(problems) => return from_records(cli, request, problems),
        };
        let named = profiles_named(cli, &loaded.system);
        if named.is_empty() {
            return Ok(loaded);
        }
        let mut request = request.clone();
        request.profiles.extend(named);
        return Ok(load(&request, files)?);
    }
    let name = ProjectName::new(request.project.as_deref().unwrap_or(ALONE))
        .map_err(|why| Failure::new(Exit::Usage, why.to_string()))?;
    Ok(Loaded {
        system: System::nothing(name, request.directory.clone()),
        warnings: Vec::new(),
    })
}

/// What the project's records tell, where they are enough; else what is wrong with its files.
fn from_records(cli: &Cli, request: &LoadRequest, problems: Problems) -> Result<Loaded, Failure> {
    match remembered(cli, request) {
        Some(system) => Ok(Loaded {
            warnings: vec![without_file(&system, &problems)],
            system,
        }),
        None => Err(problems.into()),
    }
}

/// The project that `-p` names, as far as its records alone tell: for the commands that look at
/// what runs or end it, which have to work while the Compose file is broken or gone.
fn remembered(cli: &Cli, request: &LoadRequest) -> Option<System> {
    let needless = matches!(
        &cli.command,
        Command::Down(_) | Command::Ps(_) | Command::Logs(_)
    );
    let name = ProjectName::new(request.project.as_deref().filter(|_| needless)?).ok()?;
    let beside = request
        .files
        .first()
        .map(|file| request.directory.join(file));
    let start = match &beside {
        Some(file) => file.parent()?,
        None => request.directory.as_path(),
    };
    // A file that is named stands beside the records; one that is looked for may be above.
    let above = if beside.is_some() { 1 } else { usize::MAX };
    let has_records = |folder: &&Path| folder.join(".msvc").join(name.as_str()).is_dir();
    let root = start.ancestors().take(above).find(has_records)?.to_owned();
    Some(System::nothing(name, root))
}

/// That a system is taken from its records, and why.
fn without_file(system: &System, problems: &Problems) -> Problem {
    let why = problems.0.iter().find(|it| it.severity == Severity::Error);
    let mut problem = Problem::warning(format!(
        "{} is taken from its records alone: {}",
        system.name,
        why.map_or("its Compose file cannot be read", |why| why.what.as_str())
    ));
    problem.place = why.and_then(|why| why.place.clone());
    problem.hint("correct the Compose file before the next `msvc up`")
}

/// The profiles of what `up` names: to name a service is to ask for it, as it is for Docker Compose.
fn profiles_named(cli: &Cli, system: &System) -> Vec<String> {
    let Command::Up(up) = &cli.command else {
        return Vec::new();
    };
    let resting = up.services.iter().filter_map(|it| system.resting.get(it));
    resting.flatten().cloned().collect()
}

/// What a report calls the system of journeys that are played without one.
const ALONE: &str = "journeys";

/// Where to look for the Compose file. `demo` has one more place: where nothing is found from the
/// working directory upwards, the sample that ships beside it.
fn directory(cli: &Cli, here: &Here) -> Result<PathBuf, Failure> {
    std::env::current_dir().map_err(|why| {
        let what = format!("cannot work in the folder msvc was started in: {why}");
        Failure::new(Exit::Usage, what).hint("go to a folder that is there")
    })?;
    let directory = here.working();
    if sample_is_meant(cli, directory) {
        Ok(directory.join(SAMPLE))
    } else {
        Ok(directory.to_owned())
    }
}

/// The folder of the sample system.
const SAMPLE: &str = "sample-system";

fn sample_is_meant(cli: &Cli, directory: &Path) -> bool {
    matches!(cli.command, Command::Demo(_))
        && !names_compose_files(cli)
        && !is_found_from(directory)
        && has_compose_file(&directory.join(SAMPLE))
}

/// Names that a Compose file is looked for by.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yaml",
    "docker-compose.yml",
];

fn has_compose_file(folder: &Path) -> bool {
    NAMES.iter().any(|name| folder.join(name).exists())
}

/// Whether a Compose file is found in the folder or above it.
fn is_found_from(folder: &Path) -> bool {
    folder.ancestors().any(has_compose_file)
}

/// Whether flags or environment say which Compose files are meant.
fn names_compose_files(cli: &Cli) -> bool {
    !cli.compose_files().is_empty() || std::env::var_os("COMPOSE_FILE").is_some()
}
