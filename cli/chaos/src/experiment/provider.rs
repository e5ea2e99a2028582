//! The provider `msvc` of an action: which fault, on what, how long.

use std::time::Duration;

use msvc_mesh::fault::Stream;
use msvc_system::id::EdgeSelector;
use msvc_system::model::Placed;
use msvc_system::problem::{Problem, Problems, nearest};
use msvc_system::yaml::Node;

use super::Until;
use super::activity::placed_text;
use super::document::{keys, required_text};
use crate::order::{Hold, Kill, Latency, Order, duration};

/// Faults that there are.
const FAULTS: [&str; 2] = ["latency", "kill"];

/// Checks that the provider is of type `msvc` and has no key but `type` and `read`.
pub(super) fn msvc_provider(
    provider: &Node,
    what: &str,
    read: &[&str],
    problems: &mut Problems,
) -> Option<()> {
    if let Err(problem) = provider.want_map(what) {
        problems.push(problem);
        return None;
    }
    match provider.get("type") {
        Some(kind) if kind.as_str() == Some("msvc") => {}
        Some(kind) => {
            let named = kind.text().unwrap_or_default();
            let problem = match named.as_str() {
                "http" | "process" | "python" => {
                    Problem::error(format!("providers of type `{named}` are not honoured yet"))
                }
                _ => Problem::error(format!("there is no provider of type `{named}`")),
            };
            problems.push(problem.at(kind.place.clone()).hint("`type: msvc` is there"));
            return None;
        }
        None => {
            problems.push(
                Problem::error("the provider has no `type`")
                    .at(provider.place.clone())
                    .hint("write `type: msvc`"),
            );
            return None;
        }
    }
    let known: Vec<&str> = std::iter::once("type")
        .chain(read.iter().copied())
        .collect();
    keys(provider, what, &known, &[], problems);
    Some(())
}

/// The fault of an action.
pub(super) fn fault(
    provider: &Node,
    problems: &mut Problems,
) -> Option<(Placed<Order>, Option<Until>)> {
    const ALL: [&str; 8] = [
        "fault", "edge", "delay", "jitter", "stream", "service", "until", "down",
    ];
    let named = provider.get("fault").and_then(Node::as_str);
    let read: &[&str] = match named {
        Some("latency") => &["fault", "edge", "delay", "jitter", "stream"],
        Some("kill") => &["fault", "service", "until", "down"],
        _ => &ALL,
    };
    msvc_provider(provider, "an action's provider", read, problems)?;
    match named {
        Some("latency") => latency(provider, problems).map(|order| (order, None)),
        Some("kill") => kill(provider, problems),
        Some(other) => {
            let place = provider.get("fault").map(|node| node.place.clone());
            let mut problem = Problem::error(format!("the fault `{other}` is not honoured yet"));
            problem.place = place;
            problems.push(match nearest(other, FAULTS) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint(format!("there is: {}", FAULTS.join(", "))),
            });
            None
        }
        None => {
            required_text(provider, "fault", problems);
            None
        }
    }
}

fn latency(provider: &Node, problems: &mut Problems) -> Option<Placed<Order>> {
    let edge = placed_text(provider, "edge", problems);
    let delay = placed_duration(provider, "delay", problems);
    if provider.get("delay").is_none() {
        problems.push(
            Problem::error("`delay` is missing")
                .at(provider.place.clone())
                .hint("write for example `delay: 300ms`"),
        );
    }
    let jitter = match provider.get("jitter") {
        Some(_) => placed_duration(provider, "jitter", problems)?.value,
        None => Duration::ZERO,
    };
    let stream = match provider.get("stream") {
        None => Stream::Downstream,
        Some(stream) => match stream.as_str() {
            Some("downstream") => Stream::Downstream,
            Some("upstream") => Stream::Upstream,
            _ => {
                problems.push(stream.expected(
                    "`stream`",
                    "`downstream` (the answers) or `upstream` (the requests)",
                ));
                return None;
            }
        },
    };
    let (edge, delay) = (edge?, delay?);
    if delay.value.is_zero() || jitter > delay.value {
        let what = if delay.value.is_zero() {
            "a `delay` of nothing breaks nothing"
        } else {
            "`jitter` must not exceed `delay`"
        };
        problems.push(Problem::error(what).at(delay.place));
        return None;
    }
    let selector = edge
        .value
        .parse::<EdgeSelector>()
        .map_err(|error| problems.push(Problem::error(error.to_string()).at(edge.place.clone())))
        .ok()?;
    Some(Placed {
        value: Order::Latency(Latency {
            edge: selector,
            delay: delay.value,
            jitter,
            stream,
        }),
        place: edge.place,
    })
}

fn kill(provider: &Node, problems: &mut Problems) -> Option<(Placed<Order>, Option<Until>)> {
    let service = placed_text(provider, "service", problems)?;
    let (hold, until) = match (provider.get("until"), provider.get("down")) {
        (Some(_), Some(down)) => {
            problems.push(
                Problem::error("`until` and `down` exclude each other").at(down.place.clone()),
            );
            return None;
        }
        (Some(node), None) => {
            let until = until(node, problems)?;
            let hold = Hold::Step {
                journey: until.journey.value.clone(),
                step: until.step.value.clone(),
            };
            (hold, Some(until))
        }
        (None, Some(_)) => {
            let down = placed_duration(provider, "down", problems)?;
            (Hold::For(down.value), None)
        }
        (None, None) => (Hold::For(Duration::ZERO), None),
    };
    let name = service
        .value
        .parse()
        .map_err(|error: msvc_system::id::IdError| {
            problems.push(Problem::error(error.to_string()).at(service.place.clone()));
        })
        .ok()?;
    let order = Placed {
        value: Order::Kill(Kill {
            service: name,
            hold,
        }),
        place: service.place,
    };
    Some((order, until))
}

fn until(node: &Node, problems: &mut Problems) -> Option<Until> {
    if let Err(problem) = node.want_map("`until`") {
        problems.push(problem.hint("write `until: {journey: NAME, step: ID}`"));
        return None;
    }
    keys(node, "`until`", &["journey", "step"], &[], problems);
    let journey = placed_text(node, "journey", problems);
    let step = placed_text(node, "step", problems);
    Some(Until {
        journey: journey?,
        step: step?,
    })
}

/// A duration under `key`, when there is one.
fn placed_duration(node: &Node, key: &str, problems: &mut Problems) -> Option<Placed<Duration>> {
    let value = node.get(key)?;
    // A number without a unit is read too, so that the message can ask for the unit.
    let Some(text) = value.text() else {
        problems.push(value.expected(&format!("`{key}`"), "a duration such as `300ms`"));
        return None;
    };
    match duration(&text) {
        Ok(read) => Some(Placed {
            value: read,
            place: value.place.clone(),
        }),
        Err(error) => {
            problems.push(Problem::error(format!("`{key}`: {error}")).at(value.place.clone()));
            None
        }
    }
}
