//! Why a system is not up in time: who is still waited for, and the last of what it wrote.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use msvc_report::exit::Exit;
use msvc_runtime::contract::LogQuery;
use msvc_runtime::observed::{ObservedInstance, Phase};
use msvc_system::id::{LaneName, ServiceName};
use msvc_system::model::{Condition, System};

use crate::context::Context;
use crate::failure::Failure;
use crate::running::AnyRuntime;
use crate::silence::SILENT;

/// Lines shown of who is waited for.
const LAST_LINES: usize = 10;

/// Whoever does not answer within this time is not waited for to tell why.
const ASKED: Duration = Duration::from_secs(5);

/// That the system is not up within `limit`, and for want of whom.
pub async fn not_up(context: &Context, runtime: &AnyRuntime, limit: Duration) -> Failure {
    let what = format!("not up within {}", humantime::format_duration(limit));
    if let Some(silent) = context.questions.unanswered(SILENT.min(limit / 2)) {
        return Failure::new(Exit::CouldNot, format!("{what}: {silent}")).hint(
            "it is stuck, or has too much to do: `--timeout` gives it longer, and its log may tell \
             (`journalctl --unit docker`)",
        );
    }
    let waited = tokio::select! {
        waited = waited_for(context, runtime) => waited,
        () = context.clock.sleep(ASKED) => Vec::new(),
    };
    let Some((first, _)) = waited.first() else {
        if let Some(busy) = context.questions.unanswered(Duration::ZERO) {
            let what = format!("{what}: the engine is still at it: {}", busy.what());
            return Failure::new(Exit::Failed, what).hint("`--timeout` gives it longer");
        }
        return Failure::new(Exit::Failed, what).hint("`--timeout` gives it longer");
    };
    let reasons: Vec<&str> = waited.iter().map(|(_, why)| why.as_str()).collect();
    let query = LogQuery {
        services: vec![first.clone()],
        follow: false,
        tail: Some(LAST_LINES),
    };
    let lines = async {
        match runtime.get().logs(&query).await {
            Ok(lines) => lines.take(LAST_LINES).map(|line| line.text).collect().await,
            Err(_) => Vec::new(),
        }
    };
    let lines = tokio::select! {
        lines = lines => lines,
        () = context.clock.sleep(ASKED) => Vec::new(),
    };
    Failure::new(Exit::Failed, format!("{what}: {}", reasons.join("; ")))
        .hint(format!(
            "`--timeout` gives it longer; all it wrote: `msvc logs {first}`"
        ))
        .showing(lines)
}

/// The services that `up` still waits for, each with why.
async fn waited_for(context: &Context, runtime: &AnyRuntime) -> Vec<(ServiceName, String)> {
    let Ok(observed) = runtime.get().observe().await else {
        return Vec::new();
    };
    let mut told = BTreeSet::new();
    let here = observed.instances.iter();
    here.filter(|it| it.id.lane == LaneName::main())
        .filter_map(|it| Some((it.id.service.clone(), why(&context.system, it)?)))
        .filter(|(service, _)| told.insert(service.clone()))
        .collect()
}

/// What of an instance is waited for, if anything is.
fn why(system: &System, instance: &ObservedInstance) -> Option<String> {
    let name = &instance.id.service;
    let last = match &instance.detail {
        Some(detail) if !detail.trim().is_empty() => format!(" ({})", detail.trim()),
        _ => String::new(),
    };
    let is_job = system.services.values().any(|service| {
        let mut needs = service.depends_on.iter().filter(|it| it.service == *name);
        needs.any(|it| it.condition == Condition::ServiceCompletedSuccessfully)
    });
    match &instance.phase {
        phase if is_job && phase.runs() => Some(format!(
            "{name} has not ended, and others wait until it has done its work"
        )),
        Phase::Starting | Phase::Unhealthy => {
            let probed = system
                .service(name.as_str())
                .is_some_and(|it| it.healthcheck.is_some());
            let ports: Vec<String> = instance
                .listens
                .iter()
                .map(|it| it.port.to_string())
                .collect();
            Some(match (probed, ports.is_empty()) {
                (true, _) => format!("{name} runs and its healthcheck has not passed{last}"),
                (false, false) => format!(
                    "{name} runs and does not accept at its port {}{last}",
                    ports.join(", ")
                ),
                (false, true) => format!("{name} is not ready{last}"),
            })
        }
        Phase::Restarting => Some(format!("{name} ended and is started again{last}")),
        Phase::Ready | Phase::Exited { .. } | Phase::HeldDown => None,
    }
}
