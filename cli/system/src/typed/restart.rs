//! `restart`, and `deploy.restart_policy` where `restart` is absent.

use super::scalars::number;
use crate::model::RestartPolicy;
use crate::problem::{Problem, Problems, nearest};
use crate::yaml::{Node, shorten};

const POLICIES: [&str; 4] = ["no", "always", "on-failure", "unless-stopped"];

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
    let problem = Problem::error(format!(
        "`restart` has no policy `{}`: no, always, on-failure, on-failure:TIMES, unless-stopped",
        shorten(text)
    ))
    .at(node.place.clone());
    match nearest(text, POLICIES) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None => problem,
    }
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
    match node.get("condition").and_then(Node::as_str) {
        Some("none") => RestartPolicy::No,
        Some("on-failure") => RestartPolicy::OnFailure(times),
        None | Some("any") => RestartPolicy::Always,
        Some(_) => {
            problems.push(
                Problem::error("`restart_policy.condition` is none, on-failure or any")
                    .at(node.place.clone()),
            );
            RestartPolicy::No
        }
    }
}
