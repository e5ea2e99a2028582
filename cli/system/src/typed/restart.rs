//! `restart`, and `deploy.restart_policy` where `restart` is absent.

use super::scalars::number;
use crate::model::RestartPolicy;
use crate::problem::{Problem, Problems, nearest};
use crate::yaml::{Node, shorten};

const POLICIES: [&str; 4] = ["no", "always", "on-failure", "unless-stopped"];
const CONDITIONS: [&str; 3] = ["none", "on-failure", "any"];

pub(crate) fn policy(service: &Node, problems: &mut Problems) -> RestartPolicy {
    let restart = service.get("restart").filter(|n| !n.is_null());
    if let Some(node) = restart {
        return match node.as_str() {
            Some(text) => parse(text).unwrap_or_else(|| {
                problems.push(unknown(text, node));
                RestartPolicy::No
            }),
            None => {
                problems.push(
                    node.expected("`restart`", "text")
                        .hint("write `restart: \"no\"` for never"),
                );
                RestartPolicy::No
            }
        };
    }
    match service.at("/deploy/restart_policy") {
        Some(node) => deployed(node, problems),
        None => RestartPolicy::No,
    }
}

/// Whether a text is a policy.
pub(crate) fn is_restart_policy(text: &str) -> bool {
    parse(text).is_some()
}

fn parse(text: &str) -> Option<RestartPolicy> {
    match text {
        "" | "no" => Some(RestartPolicy::No),
        "always" => Some(RestartPolicy::Always),
        "unless-stopped" => Some(RestartPolicy::UnlessStopped),
        "on-failure" => Some(RestartPolicy::OnFailure(None)),
        _ => {
            let times = text.strip_prefix("on-failure:")?.parse().ok()?;
            Some(RestartPolicy::OnFailure(Some(times)))
        }
    }
}

fn unknown(text: &str, node: &Node) -> Problem {
    let what = format!("`restart` has no policy `{}`", shorten(text));
    let problem = Problem::error(what).at(node.place.clone());
    problem.hint(match nearest(text, POLICIES) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "one of no, always, on-failure, on-failure:TIMES, unless-stopped".to_owned(),
    })
}

fn deployed(node: &Node, problems: &mut Problems) -> RestartPolicy {
    let times = node.get("max_attempts").filter(|n| !n.is_null());
    let times = times.and_then(|n| match number(n, "`max_attempts`", u32::MAX) {
        Ok(times) => Some(times),
        Err(problem) => {
            problems.push(problem);
            None
        }
    });
    let condition = node.get("condition");
    match condition.and_then(Node::as_str) {
        Some("none") => RestartPolicy::No,
        Some("on-failure") => RestartPolicy::OnFailure(times),
        None | Some("any") => RestartPolicy::Always,
        Some(other) => {
            let what = format!("`restart_policy.condition` cannot be `{}`", shorten(other));
            let place = condition.map_or(&node.place, |node| &node.place);
            let problem = Problem::error(what).at(place.clone());
            problems.push(match nearest(other, CONDITIONS) {
                Some(near) => problem.hint(format!("did you mean `{near}`?")),
                None => problem.hint(format!("one of {}", CONDITIONS.join(", "))),
            });
            RestartPolicy::No
        }
    }
}
