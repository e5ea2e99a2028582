//! The requests that the supervisor answers besides the mesh's, as both sides know them.

use std::time::Duration;

use msvc_mesh::lease::LeaseId;
use msvc_mesh::protocol::ProtocolError;
use msvc_system::id::InstanceId;
use msvc_system::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::contract::RuntimeError;
use crate::docker::EngineError;
use crate::plan::Step;

/// Names of requests and subscriptions.
pub(crate) mod method {
    pub(crate) const OBSERVE: &str = "runtime.observe";
    pub(crate) const APPLY: &str = "runtime.apply";
    pub(crate) const SIGNAL: &str = "runtime.signal";
    pub(crate) const PAUSE: &str = "runtime.pause";
    pub(crate) const EXEC: &str = "runtime.exec";
    pub(crate) const REACH: &str = "runtime.reach";
    pub(crate) const DOWN: &str = "runtime.down";
    pub(crate) const ATTACH: &str = "runtime.attach";
    pub(crate) const WATCH: &str = "runtime.watch";
    pub(crate) const LOGS: &str = "runtime.logs";
    pub(crate) const KILL: &str = "service.kill";
    pub(crate) const RELEASE: &str = "service.release";
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Apply {
    pub(super) step: Step,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SignalInstance {
    pub(super) instance: InstanceId,
    pub(super) signal: String,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pause {
    pub(super) instance: InstanceId,
    pub(super) paused: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Exec {
    pub(super) instance: InstanceId,
    pub(super) command: Vec<String>,
    pub(super) timeout: Duration,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reach {
    pub(super) instance: InstanceId,
    pub(super) port: u16,
}

/// Whether the system lives no longer than this session.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Attach {
    pub(super) owner: bool,
    /// Whether what the session adds from now on goes with it.
    #[serde(default)]
    pub(super) adding: bool,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Watch {
    pub(super) from: u64,
}

/// Parameters of `runtime.down`; none are as the default.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Down {
    /// Kills at once what has not ended yet.
    #[serde(default)]
    pub(super) hurry: bool,
}

/// How many instances `down` ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Stopped {
    pub(super) stopped: usize,
    /// What did not go well on the way.
    #[serde(default)]
    pub(super) told: Vec<Problem>,
}

/// Parameters of `service.kill`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Kill {
    /// What the fault lives under.
    pub(crate) lease: LeaseId,
    /// Whom to kill.
    pub(crate) instance: InstanceId,
    /// Whether it stays down until it is released or the lease ends.
    pub(crate) hold: bool,
    /// Without `hold`: for how long it stays down, in milliseconds.
    pub(crate) down_ms: u64,
    /// Which command asks for it, for people.
    #[serde(default)]
    pub(crate) by: Option<String>,
}

/// The answer to `service.kill`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Killed {
    /// When, on the supervisor's clock.
    pub(crate) at_ns: u64,
    /// The number of the last event before it.
    pub(crate) event: u64,
    /// When it was gone, on the same clock; 0 when at once.
    #[serde(default)]
    pub(crate) gone_at_ns: u64,
    /// For how long it had been gone when this was said, in nanoseconds.
    #[serde(default)]
    pub(crate) gone_for_ns: u64,
}

/// Parameters of `service.release`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Release {
    /// Whom.
    pub(crate) instance: InstanceId,
}

/// The answer to `service.release`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Released {
    /// Whether its restart policy brings it back.
    pub(crate) comes_back: bool,
}

/// An error as it goes over the wire.
pub(crate) fn refusal(error: &RuntimeError) -> ProtocolError {
    let (kind, detail) = match error {
        RuntimeError::PortTaken {
            address,
            owner,
            hint,
        } => (
            "port_taken",
            json!({"address": address, "owner": owner, "hint": hint}),
        ),
        RuntimeError::Start { instance, why } => {
            ("start", json!({"instance": instance, "why": why}))
        }
        RuntimeError::PostStart {
            instance,
            number,
            why,
        } => (
            "post_start",
            json!({"instance": instance, "number": number, "why": why}),
        ),
        RuntimeError::NeverReady {
            instance,
            why,
            last_lines,
        } => (
            "never_ready",
            json!({"instance": instance, "why": why, "last_lines": last_lines}),
        ),
        RuntimeError::NoInstance(instance) => ("no_instance", json!({"instance": instance})),
        RuntimeError::Records { path, source } => {
            ("records", json!({"path": path, "why": source.to_string()}))
        }
        RuntimeError::Interrupted => ("interrupted", Value::Null),
        RuntimeError::BroughtDown { project } => ("brought_down", json!({"project": project})),
        // Whoever asked must know that it was not done, and not that there was nothing to do.
        RuntimeError::Engine(EngineError::Lost { what, why }) => {
            ("engine_lost", json!({"what": what, "why": why}))
        }
        RuntimeError::Engine(EngineError::Silent { what, seconds, .. }) => {
            let why = format!("no answer within {seconds} s");
            ("engine_lost", json!({"what": what, "why": why}))
        }
        // The last four are an engine's, which no supervisor has.
        RuntimeError::Gone { .. }
        | RuntimeError::Refused(_)
        | RuntimeError::Engine(_)
        | RuntimeError::Absent(_)
        | RuntimeError::NotTaken { .. }
        | RuntimeError::Network { .. } => ("runtime", Value::Null),
    };
    ProtocolError::refused_with(kind, error.to_string(), detail)
}

/// The same error on the asking side; `project` is whose supervisor was asked.
pub(crate) fn error_of(error: ProtocolError, project: &str) -> RuntimeError {
    let ProtocolError::Refused {
        kind,
        message,
        detail,
    } = error
    else {
        return RuntimeError::Gone {
            project: project.to_owned(),
            why: error.to_string(),
        };
    };
    typed(&kind, detail).unwrap_or(RuntimeError::Refused(message))
}

fn typed(kind: &str, detail: Value) -> Option<RuntimeError> {
    #[derive(Deserialize)]
    struct Taken {
        address: String,
        owner: Option<String>,
        hint: String,
    }
    #[derive(Deserialize)]
    struct Of {
        instance: InstanceId,
        #[serde(default)]
        number: usize,
        #[serde(default)]
        why: String,
        #[serde(default)]
        last_lines: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Record {
        path: std::path::PathBuf,
        why: String,
    }
    #[derive(Deserialize)]
    struct Lost {
        what: String,
        why: String,
    }
    let of = |detail| serde_json::from_value::<Of>(detail).ok();
    Some(match kind {
        "engine_lost" => {
            let Lost { what, why } = serde_json::from_value(detail).ok()?;
            EngineError::Lost { what, why }.into()
        }
        "port_taken" => {
            let Taken {
                address,
                owner,
                hint,
            } = serde_json::from_value(detail).ok()?;
            RuntimeError::PortTaken {
                address,
                owner,
                hint,
            }
        }
        "start" => {
            of(detail).map(|Of { instance, why, .. }| RuntimeError::Start { instance, why })?
        }
        "post_start" => {
            let Of {
                instance,
                number,
                why,
                ..
            } = of(detail)?;
            RuntimeError::PostStart {
                instance,
                number,
                why,
            }
        }
        "never_ready" => {
            let Of {
                instance,
                why,
                last_lines,
                ..
            } = of(detail)?;
            RuntimeError::NeverReady {
                instance,
                why,
                last_lines,
            }
        }
        "no_instance" => RuntimeError::NoInstance(of(detail)?.instance),
        "records" => {
            let Record { path, why } = serde_json::from_value(detail).ok()?;
            let source = std::io::Error::other(why);
            RuntimeError::Records { path, source }
        }
        "interrupted" => RuntimeError::Interrupted,
        "brought_down" => {
            let project = detail.get("project")?.as_str()?.to_owned();
            RuntimeError::BroughtDown { project }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_the_same_on_both_sides() {
        let instance = InstanceId {
            project: "shop".parse().unwrap(),
            lane: "main".parse().unwrap(),
            service: "orders".parse().unwrap(),
            replica: 1,
            incarnation: 2,
        };
        let errors = [
            RuntimeError::PortTaken {
                address: "127.0.0.1:80".to_owned(),
                owner: Some("nginx".to_owned()),
                hint: "stop it".to_owned(),
            },
            RuntimeError::Start {
                instance: instance.clone(),
                why: "no".to_owned(),
            },
            RuntimeError::PostStart {
                instance: instance.clone(),
                number: 1,
                why: "no".to_owned(),
            },
            RuntimeError::NeverReady {
                instance: instance.clone(),
                why: "no".to_owned(),
                last_lines: vec!["a".to_owned()],
            },
            RuntimeError::NoInstance(instance),
            RuntimeError::Records {
                path: "/x".into(),
                source: std::io::Error::other("full"),
            },
            RuntimeError::Interrupted,
            RuntimeError::BroughtDown {
                project: "shop".to_owned(),
            },
            RuntimeError::Refused("no".to_owned()),
        ];
        for error in errors {
            let there = error_of(refusal(&error), "shop");
            assert_eq!(format!("{error:?}"), format!("{there:?}"));
        }
    }
}
