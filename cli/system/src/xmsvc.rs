//! `x-msvc`: what Compose has no word for, on a service and at the top level. Unknown keys in it
//! are errors: these words are ours.

use indexmap::IndexMap;

use crate::fields::not_supported;
use crate::forms::{scalar_text, want_text};
use crate::id::ServiceName;
use crate::model::{
    Call, ContractExtension, JourneyReference, Placed, Service, ServiceExtension, SystemExtension,
};
use crate::problem::{Problem, Problems};
use crate::typed::scalars::optional_text;
use crate::typed::{Context, words_of};
use crate::yaml::{Node, keys_there, shorten};

mod ca;
mod inputs;
pub(crate) mod keys;
mod process;
pub(crate) mod secrets;

/// The top-level `x-msvc`, and that of the secrets.
pub(crate) fn system(
    tree: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> SystemExtension {
    let Some(node) = mapping(tree.get("x-msvc"), "`x-msvc`", keys::SYSTEM, problems) else {
        return SystemExtension {
            secrets: secrets::secrets(tree, &IndexMap::new(), context, problems),
            ..SystemExtension::default()
        };
    };
    let inputs = inputs::inputs(node.get("inputs"), tree, problems);
    let contracts = node.get("contracts").filter(|n| !n.is_null());
    SystemExtension {
        contracts: contracts.and_then(|n| path(n, "`x-msvc.contracts`", context, problems)),
        journeys: list(node.get("journeys"), "`x-msvc.journeys`", problems)
            .iter()
            .filter_map(|item| journey(item, context, problems))
            .collect(),
        experiments: list(node.get("experiments"), "`x-msvc.experiments`", problems)
            .iter()
            .filter_map(|item| path(item, "an item of `x-msvc.experiments`", context, problems))
            .collect(),
        secrets: secrets::secrets(tree, &inputs, context, problems),
        inputs,
    }
}

fn journey(
    item: &Node,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<JourneyReference> {
    if item.as_map().is_none() {
        let what = "an item of `x-msvc.journeys`";
        return path(item, what, context, problems).map(JourneyReference::Document);
    }
    let what = "a journey that is a command";
    mapping(Some(item), what, keys::JOURNEY, problems)?;
    let name = optional_text(item.get("name"), "the name of a journey", problems);
    let command = words_of(item.get("command"), "the command of a journey", problems);
    match (
        name.filter(|n| !n.is_empty()),
        command.filter(|c| !c.is_empty()),
    ) {
        (Some(name), Some(command)) => Some(JourneyReference::Command {
            name,
            command,
            place: item.place.clone(),
        }),
        _ => {
            let wrong = Problem::error("a journey that is a command has a `name` and a `command`");
            let hint = "write `{name: buy, command: [program, argument]}`, or a file's name";
            problems.push(wrong.at(item.place.clone()).hint(hint));
            None
        }
    }
}

/// A service's `x-msvc`. `service` is the rest of it, read before.
pub(crate) fn service(
    node: &Node,
    service: &Service,
    context: &Context<'_>,
    problems: &mut Problems,
) -> ServiceExtension {
    let what = "`x-msvc` of a service";
    let Some(node) = mapping(node.get("x-msvc"), what, keys::SERVICE, problems) else {
        return ServiceExtension::default();
    };
    if let Some((key, probe)) = node.entry("probe")
        && !probe.is_null()
    {
        problems.push(not_supported(
            "`x-msvc.probe`",
            &key.place,
            "write a `healthcheck`",
        ));
    }
    ServiceExtension {
        owner: optional_text(node.get("owner"), "`x-msvc.owner`", problems),
        context: optional_text(node.get("context"), "`x-msvc.context`", problems),
        process: process::process(node, service, context, problems),
        calls: list(node.get("calls"), "`x-msvc.calls`", problems)
            .iter()
            .filter_map(|item| call(item, problems))
            .collect(),
        contract: contract(node, problems),
        ca: ca::ca(node.get("ca"), service, problems),
    }
}

fn call(item: &Node, problems: &mut Problems) -> Option<Call> {
    let what = "an item of `x-msvc.calls`";
    let (service, port, key) = if item.as_map().is_some() {
        mapping(Some(item), what, keys::CALL, problems)?;
        if let Some(service) = item.get("service")
            && let Err(problem) = want_text(service, "`service` of a call")
        {
            problems.push(problem);
            return None;
        }
        let service = optional_text(item.get("service"), "`service` of a call", problems);
        let port = optional_text(item.get("port"), "`port` of a call", problems);
        let key = optional_text(item.get("key"), "`key` of a call", problems);
        (service.unwrap_or_default(), port, key)
    } else {
        match want_text(item, what) {
            Ok(text) => match text.split_once(':') {
                Some((service, port)) => (service.to_owned(), Some(port.to_owned()), None),
                None => (text, None, None),
            },
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        }
    };
    let port = match port.map(|text| text.parse::<u16>().ok().filter(|p| *p > 0).ok_or(text)) {
        None => None,
        Some(Ok(port)) => Some(port),
        Some(Err(text)) => {
            let wrong =
                Problem::error(format!("{what} has `{}`, which is no port", shorten(&text)));
            problems.push(wrong.at(item.place.clone()).hint("write `SERVICE:8080`"));
            return None;
        }
    };
    match ServiceName::new(service) {
        Ok(service) => Some(Call {
            service,
            port,
            key,
            place: item.place.clone(),
        }),
        Err(error) => {
            let wrong = Problem::error(shorten(&error.to_string())).at(item.place.clone());
            problems.push(wrong.hint("write `SERVICE`, `SERVICE:PORT` or {service, port, key}"));
            None
        }
    }
}

fn contract(node: &Node, problems: &mut Problems) -> Option<ContractExtension> {
    let (key, node) = node.entry("contract")?;
    let node = mapping(Some(node), "`x-msvc.contract`", keys::CONTRACT, problems)?;
    let states = node
        .get("states")
        .filter(|n| !n.is_null())
        .and_then(
            |states| match want_text(states, "`x-msvc.contract.states`") {
                Ok(value) if value.starts_with('/') => Some(Placed {
                    value,
                    place: states.place.clone(),
                }),
                Ok(value) => {
                    let wrong = format!(
                        "`x-msvc.contract.states` is `{}`, which is no path",
                        shorten(&value)
                    );
                    problems.push(
                        Problem::error(wrong)
                            .at(states.place.clone())
                            .hint("write `/_pact/states`"),
                    );
                    None
                }
                Err(problem) => {
                    problems.push(problem);
                    None
                }
            },
        );
    let environment = settings(
        node.get("environment"),
        "`x-msvc.contract.environment`",
        problems,
    );
    Some(ContractExtension {
        states,
        environment: environment.into_iter().map(|(k, v)| (k, v.value)).collect(),
        consumer_test: words_of(
            node.get("consumer_test"),
            "`x-msvc.contract.consumer_test`",
            problems,
        ),
        place: key.place.clone(),
    })
}

/// The node when it is a mapping; unknown keys are reported, `x-` ones too.
fn mapping<'n>(
    node: Option<&'n Node>,
    what: &str,
    known: &[&str],
    problems: &mut Problems,
) -> Option<&'n Node> {
    let node = node.filter(|n| !n.is_null())?;
    if node.as_map().is_none() {
        let keys: Vec<&str> = advised(known).collect();
        let problem = node.expected(what, "a mapping");
        problems.push(problem.hint(keys_there(&keys)));
        return None;
    }
    for (key, _) in node.entries() {
        if !known.contains(&key.text.as_str()) {
            problems.push(key.unknown(what, advised(known)));
        }
    }
    Some(node)
}

/// Keys that may be written: what is an error itself is not advised.
fn advised<'k>(known: &'k [&'k str]) -> impl Iterator<Item = &'k str> {
    known.iter().copied().filter(|known| *known != "probe")
}

fn list<'n>(node: Option<&'n Node>, what: &str, problems: &mut Problems) -> &'n [Node] {
    let Some(node) = node.filter(|n| !n.is_null()) else {
        return &[];
    };
    if node.as_seq().is_none() {
        let key = what.trim_matches('`').rsplit('.').next().unwrap_or(what);
        let example = match key {
            "journeys" => "journeys/buy.yaml",
            "experiments" => "experiments/slow.yaml",
            _ => "orders",
        };
        problems.push(node.expected_list(what, key, example));
    }
    node.items()
}

fn path(
    node: &Node,
    what: &str,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Option<Placed<std::path::PathBuf>> {
    match want_text(node, what) {
        Ok(text) => Some(Placed {
            value: context.path(&text),
            place: node.place.clone(),
        }),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn settings(
    node: Option<&Node>,
    what: &str,
    problems: &mut Problems,
) -> IndexMap<String, Placed<String>> {
    let mut settings = IndexMap::new();
    let Some(node) = node.filter(|n| !n.is_null()) else {
        return settings;
    };
    if node.as_map().is_none() && node.as_seq().is_none() {
        let problem = node.expected(what, "a mapping or a list");
        problems.push(problem.hint("write `environment: { NAME: value }`"));
    }
    for (key, value) in node.entries() {
        match scalar_text(value) {
            Some(text) => {
                let place = value.place.clone();
                settings.insert(key.text.clone(), Placed { value: text, place });
            }
            None => problems.push(value.expected(&format!("`{}`", shorten(&key.text)), "text")),
        }
    }
    for item in node.items() {
        match item.as_str().and_then(|text| text.split_once('=')) {
            Some((key, value)) => {
                let (value, place) = (value.to_owned(), item.place.clone());
                settings.insert(key.to_owned(), Placed { value, place });
            }
            None => {
                let problem = item.expected(&format!("an item of {what}"), "`NAME=VALUE`");
                problems.push(match item.as_str() {
                    Some(name) => problem.hint(format!("write `{}=value`", shorten(name))),
                    None => problem.hint("write `NAME=value`"),
                });
            }
        }
    }
    settings
}
