//! `msvc config`: what the Compose files say once they are merged, in Docker Compose's normal form,
//! or one aspect of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::{fs, io};

use msvc_machine::atomic_write::atomic_write;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_system::graph;
use msvc_system::id::ServiceName;
use msvc_system::load::{LoadRequest, Loaded, Resolved, Without, load, resolve};
use msvc_system::normal_form::{hash, yaml};
use msvc_system::problem::Problem;
use msvc_system::schema;
use serde_json::{Value, json};

use crate::cli::{Cli, Config, Graph};
use crate::context::load_request;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::table::Table;
use crate::terminal::Terminal;

/// Prints what is asked for.
///
/// # Errors
/// When the files are wrong, or have no service of a name that is asked for.
pub fn run(cli: &Cli, request: &Config, terminal: &Terminal) -> Result<Ending, Failure> {
    if request.schema {
        return deliver(request, &schema::text(), terminal);
    }
    let asked = LoadRequest {
        named: request.services.clone(),
        without: without(request),
        without_msvc: request.no_msvc,
        ..load_request(cli, terminal.here())?
    };
    if request.edges || request.graph.is_some() {
        return deliver(request, &edges(request, asked, terminal)?, terminal);
    }
    let (resolved, warnings) = resolve(&asked, terminal.files())?;
    warn(terminal, warnings);
    let mut asked = request.services.iter();
    if let Some(name) = asked.find(|name| !resolved.services().any(|it| it == **name)) {
        return Err(unknown(name, &resolved));
    }
    let text = if let Some(aspect) = aspect(request, &resolved, terminal)? {
        aspect
    } else if request.no_interpolate {
        written(&resolved, terminal)?
    } else {
        whole(request, resolved, terminal)?
    };
    deliver(request, &text, terminal)
}

fn warn(terminal: &Terminal, warnings: Vec<Problem>) {
    crate::outlets::annotate(terminal, &warnings);
    for problem in warnings {
        terminal.event(&Event::Warned { problem });
    }
}

/// The steps that are left out.
fn without(request: &Config) -> Without {
    let names_only = request.service_names
        || request.images
        || request.volumes
        || request.networks
        || request.profile_names
        || request.models
        || request.hash.is_some()
        || request.variables;
    Without {
        interpolation: request.no_interpolate || request.variables,
        paths: request.no_path_resolution,
        normalization: request.no_normalize,
        settings: request.no_env_resolution || names_only,
        consistency: request.no_consistency,
    }
}

/// One aspect, where one is asked for.
fn aspect(
    request: &Config,
    resolved: &Resolved,
    terminal: &Terminal,
) -> Result<Option<String>, Failure> {
    let config = || config(request, resolved);
    let keys = |section: &str| -> Result<Vec<String>, Failure> {
        let config = config()?;
        let entries = config.get(section).and_then(Value::as_object);
        Ok(entries
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect())
    };
    let names = if request.service_names && request.no_interpolate {
        // Which profile a service has is not known either.
        let all: BTreeSet<String> = resolved.services().map(str::to_owned).collect();
        all.into_iter().collect()
    } else if request.service_names {
        resolved.running.iter().cloned().collect()
    } else if request.volumes {
        keys("volumes")?
    } else if request.networks {
        keys("networks")?
    } else if request.profile_names {
        resolved.profiles()
    } else if request.models {
        resolved.models()
    } else if request.images {
        images(&config()?, resolved)
    } else if request.environment {
        let set = resolved.environment.iter();
        set.map(|(name, value)| format!("{name}={value}")).collect()
    } else if let Some(asked) = &request.hash {
        return hashes(asked, resolved, terminal).map(Some);
    } else if request.variables {
        return Ok(Some(variables(resolved, terminal)));
    } else {
        return Ok(None);
    };
    Ok(Some(if terminal.is_json() {
        pretty(&json!(names))
    } else {
        lines(&names)
    }))
}

fn lines(all: &[String]) -> String {
    all.iter().map(|line| format!("{line}\n")).collect()
}

fn pretty(value: &Value) -> String {
    // A tree of texts and numbers can always be written.
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

fn config(request: &Config, resolved: &Resolved) -> Result<Value, Failure> {
    resolved
        .config(&request.services, request.all_resources)
        .map_err(|name| unknown(&name, resolved))
}

/// The failure that no service that runs has that name.
fn unknown(name: &str, resolved: &Resolved) -> Failure {
    let names: Vec<&str> = resolved.services().collect();
    if names.contains(&name) {
        let what = format!("the service `{name}` runs only with its profile");
        return Failure::new(Exit::Usage, what).hint("add --profile NAME");
    }
    nobody(name, names)
}

/// The failure that no service at all has that name.
fn nobody(name: &str, names: Vec<&str>) -> Failure {
    let failure = Failure::new(Exit::Usage, format!("the system has no service `{name}`"));
    match msvc_system::problem::nearest(name, names) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure,
    }
}

/// The project in its normal form.
fn whole(request: &Config, resolved: Resolved, terminal: &Terminal) -> Result<String, Failure> {
    let chosen = resolved.chosen(&request.services);
    let chosen = chosen.map_err(|name| unknown(&name, &resolved))?;
    // Read again, a dollar sign is one, and no variable.
    Ok(if terminal.is_json() {
        resolved.can_be_json(false)?;
        // As Docker Compose prints it, in keys too.
        let text = pretty(&resolved.into_config(&chosen, request.all_resources));
        match text.contains('$') {
            true => text.replace('$', "$$"),
            false => text,
        }
    } else {
        let config = resolved.into_config_for_yaml(&chosen, request.all_resources);
        yaml::text(&config.escaped())
    })
}

/// The project as it is written, variables and all.
fn written(resolved: &Resolved, terminal: &Terminal) -> Result<String, Failure> {
    if terminal.is_json() {
        resolved.can_be_json(true)?;
        return Ok(pretty(&resolved.written()));
    }
    Ok(yaml::text(&resolved.written_for_yaml()))
}

/// The images that the services run, those that are built among them.
fn images(config: &Value, resolved: &Resolved) -> Vec<String> {
    let services = config.get("services").and_then(Value::as_object);
    let services = services.into_iter().flatten();
    services
        .map(
            |(name, service)| match service.get("image").and_then(Value::as_str) {
                Some(image) => image.to_owned(),
                None => format!("{}-{name}", resolved.project),
            },
        )
        .collect()
}

fn hashes(asked: &str, resolved: &Resolved, terminal: &Terminal) -> Result<String, Failure> {
    let config = resolved.config(&[], true).unwrap_or_default();
    let names: BTreeSet<String> = match asked {
        "*" => resolved.running.clone(),
        named => named.split(',').map(str::to_owned).collect(),
    };
    let mut all = serde_json::Map::new();
    for name in names {
        let service = config.get("services").and_then(|all| all.get(&name));
        let service = service.ok_or_else(|| unknown(&name, resolved))?;
        all.insert(name, hash::of_service(service).into());
    }
    if terminal.is_json() {
        return Ok(pretty(&Value::Object(all)));
    }
    let all = all.iter();
    Ok(all
        .map(|(name, hash)| format!("{name} {}\n", hash.as_str().unwrap_or_default()))
        .collect())
}

fn variables(resolved: &Resolved, terminal: &Terminal) -> String {
    let variables = resolved.variables();
    if terminal.is_json() {
        let all = variables.iter().map(|it| {
            json!({
                "name": it.name,
                "required": it.required,
                "default": it.default,
                "alternate": it.alternate,
            })
        });
        return pretty(&Value::Array(all.collect()));
    }
    let mut table = Table::new(&["NAME", "REQUIRED", "DEFAULT", "ALTERNATE"]);
    for it in variables {
        let required = if it.required { "yes" } else { "no" };
        table.row(vec![it.name, required.to_owned(), it.default, it.alternate]);
    }
    table.render()
}

/// Who calls whom: of the system, not of the files alone.
fn edges(request: &Config, asked: LoadRequest, terminal: &Terminal) -> Result<String, Failure> {
    let asked = LoadRequest {
        without: Without::default(),
        ..asked
    };
    let Loaded { system, warnings } = load(&asked, terminal.files())?;
    warn(terminal, warnings);
    let all = system.services.keys().chain(system.resting.keys());
    let names: Vec<&str> = all.map(ServiceName::as_str).collect();
    let mut asked = request.services.iter();
    if let Some(name) = asked.find(|name| !names.contains(&name.as_str())) {
        return Err(nobody(name, names));
    }
    Ok(match request.graph {
        Some(Graph::Dot) => graph::dot(&system),
        Some(Graph::Mermaid) => graph::mermaid(&system),
        None if terminal.is_json() => pretty(&graph::json(&system)),
        None => graph::table(&system),
    })
}

/// Puts `text` where `path` leads. A file that is there is replaced whole or not at all, with its rights;
/// what is no file, as `/dev/stdout`, is written to.
fn write(path: &Path, text: &str) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_file() => {
            let file = fs::canonicalize(path)?;
            atomic_write(&file, text.as_bytes())?;
            fs::set_permissions(&file, there.permissions())
        }
        _ => fs::write(path, text),
    }
}

/// To standard output or into the file that is named.
fn deliver(request: &Config, text: &str, terminal: &Terminal) -> Result<Ending, Failure> {
    if terminal.is_quiet() {
        return Ok(Exit::Held.into());
    }
    match &request.output {
        // Names of which there are none are no line.
        None if text.is_empty() => {}
        None => terminal.result(text),
        Some(path) => write(path, text).map_err(|why| {
            let what = format!("{} cannot be written: {why}", path.display());
            Failure::new(Exit::CouldNot, what)
        })?,
    }
    Ok(Exit::Held.into())
}
