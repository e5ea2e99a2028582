//! What becomes of every field of the Compose Specification in either runtime: one table, which the
//! refusals and warnings of `up` and the page `docs/reference/compose.md` are made from.
//!
//! What comes in: the path of a field, as [`msvc_system::fields`] has it. What leaves: its [`Fate`].
//! What must not enter: how a field is carried; that is with whoever carries it.

use msvc_system::fields::said;
use msvc_system::model::{GivenFile, Mount, Placed, Service};
use msvc_system::problem::{Place, Problem};
use serde_json::Value;

use crate::docker::engine::ApiVersion;

#[cfg(test)]
pub(crate) mod page;
mod table;

/// A field, and what becomes of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Its path, as [`msvc_system::fields::all`] has it.
    pub(crate) field: &'static str,
    /// In containers.
    pub(crate) container: Fate,
    /// As host processes.
    pub(crate) process: Fate,
}

/// What a runtime makes of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fate {
    pub(crate) kind: Kind,
    /// What is to be added: of what is carried a limit, why it means nothing, what there is in its
    /// place, why it cannot be.
    pub(crate) note: &'static str,
    /// The first API of an engine that takes it, where that is not the oldest that is spoken.
    pub(crate) since: Option<ApiVersion>,
}

/// How a field is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// It is carried.
    Carried,
    /// It is carried where the function says so of its value, else refused.
    Partly(fn(&Value) -> bool),
    /// It asks for nothing that is not so anyway.
    Nothing,
    /// It runs without, and a warning says so.
    Told,
    /// It is an error.
    Refused,
}

/// Either runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum In {
    Containers,
    Processes,
}

impl In {
    /// What it runs, for messages.
    fn what(self) -> &'static str {
        match self {
            Self::Containers => "a container",
            Self::Processes => "a host process",
        }
    }

    /// What becomes of a field there. Fields below it speak for one that has some (`gpus: all`); one
    /// that nobody knows means nothing.
    pub(crate) fn fate(self, path: &str) -> Fate {
        let below = |field: &str| {
            let rest = field.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let row = table::rows().find(|row| below(row.field));
        row.map_or(table::UNKNOWN, |row| self.of(row))
    }

    fn of(self, row: &Row) -> Fate {
        match self {
            Self::Containers => row.container,
            Self::Processes => row.process,
        }
    }

    /// How a field is named in messages: as a whole (`devices`) where the same becomes of all that
    /// stands below it.
    fn named(self, path: &str) -> &str {
        let own = self.fate(path);
        let ends = path.match_indices('.').map(|(at, _)| &path[..at]);
        let mut wholes = ends.filter(|whole| {
            let below = |row: &&Row| {
                let rest = row.field.strip_prefix(whole);
                rest.is_some_and(|rest| rest.starts_with('.'))
            };
            let mut rows = table::rows().filter(below);
            rows.all(|row| self.of(row).is_as(&own))
        });
        wholes.next().unwrap_or(path)
    }
}

impl Fate {
    fn is_as(&self, other: &Self) -> bool {
        let alike = matches!(
            (self.kind, other.kind),
            (Kind::Carried, Kind::Carried)
                | (Kind::Nothing, Kind::Nothing)
                | (Kind::Told, Kind::Told)
                | (Kind::Refused, Kind::Refused)
        );
        alike && self.note == other.note && self.since == other.since
    }

    /// Whether it is told of a value, and no error.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self.kind, Kind::Told)
    }

    /// Whether it is an error that stands there.
    pub(crate) fn refuses(&self, value: &Value) -> bool {
        match self.kind {
            Kind::Refused => true,
            Kind::Partly(takes) => !takes(value),
            Kind::Carried | Kind::Nothing | Kind::Told => false,
        }
    }
}

/// A field that the files fill, where it stands, and what becomes of it.
#[derive(Debug, Clone)]
pub(crate) struct Filled {
    /// How it is named in messages.
    pub(crate) name: String,
    /// What becomes of it.
    pub(crate) fate: Fate,
    /// Where it stands.
    pub(crate) place: Place,
    refused: bool,
}

/// All fields that a service fills and that the model has no place for, each once.
pub(crate) fn filled(of: In, service: &Service) -> Vec<Filled> {
    let mut filled: Vec<Filled> = Vec::new();
    for (field, placed) in &service.other_fields {
        for (path, value) in said(field, &placed.value) {
            add(&mut filled, of, &path, value, &placed.place);
        }
    }
    for mount in &service.mounts {
        for (name, field) in &mount.other_fields {
            let path = of_mount(name);
            add(&mut filled, of, &path, &field.value, &field.place);
        }
    }
    let files = service.files.iter().flat_map(|it| &it.other_fields);
    for (path, Placed { value, place }) in files {
        add(&mut filled, of, path, value, place);
    }
    filled
}

/// The path of a mount's field.
fn of_mount(name: &str) -> String {
    match name {
        // The only one of a short form.
        "tmpfs.options" => "tmpfs".to_owned(),
        name => format!("volumes.{name}"),
    }
}

fn add(filled: &mut Vec<Filled>, of: In, path: &str, value: &Value, place: &Place) {
    let fate = of.fate(path);
    let refused = fate.refuses(value);
    let name = match (fate.kind, value) {
        (Kind::Partly(_), Value::String(value)) => format!("{path}: {value}"),
        _ => of.named(path).to_owned(),
    };
    if !filled
        .iter()
        .any(|it| it.name == name && it.place == *place)
    {
        filled.push(Filled {
            name,
            fate,
            place: place.clone(),
            refused,
        });
    }
}

/// What `up` refuses of a service, with what to do instead; of what says how its image is made only
/// where one `is_made`.
pub(crate) fn refusals(of: In, service: &Service, is_made: bool) -> Vec<Problem> {
    let mut refused = filled(of, service);
    refused.retain(|it| it.refused && (is_made || !it.name.starts_with("build.")));
    let refused = refused.iter();
    let problems = refused.map(|it| refusal(of, service, &it.name, &it.fate, &it.place));
    problems.collect()
}

/// That a runtime cannot honour a field of a service.
pub(crate) fn refusal(of: In, service: &Service, name: &str, fate: &Fate, at: &Place) -> Problem {
    // The slash tells the page's fields of the top level apart.
    let name = name.trim_start_matches('/');
    let what = format!("{}: {} cannot honour `{name}`", service.name, of.what());
    let without = match service.image.is_none() && service.build.is_none() {
        // Without it there is nothing that could run.
        true => "take the service out",
        false => "take it out, or `--lenient` to go without it",
    };
    let problem = Problem::error(what).at(at.clone());
    problem.hint(match (fate.kind, fate.note) {
        (Kind::Partly(_), note) => format!("only {note}; else {without}"),
        (_, note) => format!("{note}; {without}"),
    })
}

/// What of a service is told and no error, in either runtime.
pub(crate) fn told(of: In, service: &Service) -> Vec<Filled> {
    let mut told = filled(of, service);
    told.retain(|it| it.fate.is_told());
    told
}

/// The fields of a mount and of a secret or config that the model itself holds.
pub(crate) fn of_model<'a>(
    mounts: &'a [Mount],
    files: &'a [GivenFile],
) -> impl Iterator<Item = (String, &'a Place)> {
    let read_only = mounts.iter().filter(|mount| mount.read_only);
    let mounts = read_only.map(|mount| ("volumes.read_only".to_owned(), &mount.place));
    let files = files.iter().flat_map(|file| {
        let kind = match file.what.starts_with("secret") {
            true => "secrets",
            false => "configs",
        };
        let asked = [("uid", file.uid), ("gid", file.gid), ("mode", file.mode)];
        let asked = asked.into_iter().filter(|(_, value)| value.is_some());
        asked.map(move |(name, _)| (format!("{kind}.{name}"), &file.place))
    });
    mounts.chain(files)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lane::tests::{placed, service};

    /// What is refused of a service with these fields, as it is named.
    fn refused(of: In, fields: &[(&str, Value)]) -> Vec<String> {
        let mut web = service("web");
        for (field, value) in fields {
            let value = placed(value.clone());
            web.other_fields.insert((*field).to_owned(), value);
        }
        let filled = filled(of, &web).into_iter();
        filled.filter(|it| it.refused).map(|it| it.name).collect()
    }

    #[test]
    fn what_is_partly_carried_is_refused_for_other_values_and_named_with_them() {
        for (field, taken, other, named) in [
            (
                "pid",
                json!("host"),
                json!("container:x"),
                "pid: container:x",
            ),
            (
                "network_mode",
                json!("service:db"),
                json!("host"),
                "network_mode: host",
            ),
            (
                "logging",
                json!({"driver": "local"}),
                json!({"driver": "syslog"}),
                "logging.driver: syslog",
            ),
        ] {
            let none = Vec::<String>::new();
            assert_eq!(refused(In::Processes, &[(field, taken)]), none, "{field}");
            assert_eq!(refused(In::Processes, &[(field, other)]), [named]);
        }
        let hosts = |hosts: Value| refused(In::Containers, &[("build.extra_hosts", hosts)]).len();
        assert_eq!(hosts(json!({"a": "1.1.1.1"})), 0);
        assert_eq!(hosts(json!({"a": ["1.1.1.1", "::1"]})), 1);
        assert_eq!(hosts(json!(["a=1.1.1.1", "b=1.1.1.1"])), 1);
    }

    #[test]
    fn a_field_is_named_as_a_whole_where_the_same_becomes_of_all_below_it() {
        let fields = [
            ("devices", json!([{"source": "/a", "target": "/b"}])),
            (
                "deploy.resources",
                json!({"limits": {"cpus": "1", "pids": 5}}),
            ),
            (
                "networks",
                json!({"a": {"ipv4_address": "10.0.0.2", "aliases": ["b"]}}),
            ),
            ("models", json!({"llm": null})),
        ];
        assert_eq!(
            refused(In::Processes, &fields),
            [
                "devices",
                "deploy.resources.limits",
                "networks.ipv4_address",
                "models"
            ]
        );
        assert_eq!(refused(In::Containers, &fields), ["models"]);
    }
}
