//! `msvc ps`: what runs, and with `--edges` who calls whom.

use msvc_mesh::spec::EdgeStatus;
use msvc_report::event::{Entry, Event};
use msvc_report::exit::Exit;
use msvc_runtime::contract::RuntimeError;
use msvc_runtime::observed::{Observed, ObservedInstance};
use msvc_runtime::process::ProjectHome;
use msvc_system::id::{LaneName, Party};
use msvc_system::problem::Problem;
use serde_json::{Value, json};

use crate::boot;
use crate::cli::Ps;
use crate::context::Context;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::table::Table;

/// What runs; none where nothing does. One that ends between its hello and its answer is looked for
/// once more.
async fn seen(context: &Context, home: &ProjectHome) -> Result<Option<Observed>, Failure> {
    let Some(runtime) = context.connect(home).await? else {
        return Ok(None);
    };
    match runtime.get().observe().await {
        Err(RuntimeError::Gone { .. }) => {}
        seen => return Ok(Some(seen?)),
    }
    match context.connect(home).await? {
        Some(runtime) => Ok(Some(runtime.get().observe().await?)),
        None => Ok(None),
    }
}

/// Prints the table. A system that does not run is an empty one, and how it ended is said.
///
/// # Errors
/// When the supervisor does not answer.
pub async fn run(context: &Context, request: &Ps) -> Result<Ending, Failure> {
    let home = context.home()?;
    let observed = seen(context, &home).await?;
    let ended = if observed.is_none() {
        crate::ended::sentence(&home, &*context.clock).await?
    } else {
        None
    };
    let observed = observed.unwrap_or_default();
    if context.terminal.is_json() {
        context
            .terminal
            .json(&document(context, &observed, ended.as_deref()));
        return Ok(Exit::Held.into());
    }
    if observed.instances.is_empty() {
        let why = ended.map(|why| format!(": {why}")).unwrap_or_default();
        context
            .terminal
            .result(&format!("{} is not running{why}", context.system.name));
    } else if request.edges {
        context.terminal.result(&edges(&observed).render());
    } else {
        context
            .terminal
            .result(&instances(context, &observed).render());
    }
    for (instance, why) in displaced(&observed) {
        let up = context.repeat(&["up"]);
        let problem = Problem::warning(format!("{}: {why}", name(instance)));
        let problem = problem.hint(format!("`{up}` makes it anew where it belongs"));
        context.terminal.event(&Event::Warned { problem });
    }
    // What another command of msvc's holds down is its own to tell.
    let held = observed.instances.iter();
    let held = held.filter_map(|it| Some((it, it.held_by.as_deref()?)));
    for (instance, by) in held.filter(|(_, by)| by.starts_with("a pause")) {
        let problem = Problem::warning(format!("{} is held down by {by}", name(instance)));
        context.terminal.event(&Event::Warned { problem });
    }
    for why in &observed.mesh_displaced {
        let hint = format!("`{}` puts it back", context.repeat(&["up"]));
        let problem = Problem::warning(why.clone()).hint(hint);
        context.terminal.event(&Event::Warned { problem });
    }
    if observed.made_elsewhere() > 0 {
        let what = format!("{} was started by Docker Compose", context.system.name);
        let up = context.repeat(&["up"]);
        let hint = format!("`{up}` takes it over, with its data and a mesh on every edge");
        let problem = Problem::warning(what).hint(hint);
        context.terminal.event(&Event::Warned { problem });
    }
    Ok(Exit::Held.into())
}

/// Who does not stand where it was put, and why.
fn displaced(observed: &Observed) -> impl Iterator<Item = (&ObservedInstance, &str)> {
    let instances = observed.instances.iter();
    instances.filter_map(|it| Some((it, it.displaced.as_deref()?)))
}

fn instances(context: &Context, observed: &Observed) -> Table {
    let mut table = Table::new(&["SERVICE", "HEALTH", "UP", "RESTARTS", "PID", "PORTS", "URL"]);
    for instance in &observed.instances {
        let ports: Vec<String> = instance
            .listens
            .iter()
            .map(|l| l.port.to_string())
            .collect();
        table.row(vec![
            name(instance),
            health(observed, instance),
            duration(instance.since_ms),
            instance.restarts.to_string(),
            instance.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            ports.join(","),
            urls(context, observed, instance).join(" "),
        ]);
    }
    table
}

fn edges(observed: &Observed) -> Table {
    let mut table = Table::new(&["EDGE", "CONNS", "SENT", "RECEIVED", "WHY"]);
    // In containers every pair has an edge; one that no file names and nobody uses is not shown.
    let is_shown = |edge: &&EdgeStatus| !edge.reasons.is_empty() || edge.counts.connections > 0;
    for edge in observed.edges_as_one().iter().filter(is_shown) {
        // Nobody can tell whether datagrams are taken; what answers them does.
        let answers = edge.transport.has_udp() && edge.counts.bytes_from_callee > 0;
        let open = match edge.accepting || answers {
            true => "",
            false => " (refuses)",
        };
        table.row(vec![
            format!("{}{open}", edge.id),
            edge.counts.connections.to_string(),
            bytes(edge.counts.bytes_to_callee),
            bytes(edge.counts.bytes_from_callee),
            match edge.reasons.is_empty() {
                true => "seen, declared nowhere".to_owned(),
                false => edge.reasons.join(", "),
            },
        ]);
    }
    table
}

fn document(context: &Context, observed: &Observed, ended: Option<&str>) -> Value {
    let instances: Vec<Value> = observed
        .instances
        .iter()
        .map(|instance| {
            json!({
                "instance": instance.id.to_string(),
                "service": instance.id.service,
                "lane": instance.id.lane,
                "replica": instance.id.replica,
                "incarnation": instance.id.incarnation,
                "runtime": instance.runtime,
                "health": word(observed, instance),
                "phase": instance.phase,
                "pid": instance.pid,
                "uptime_ms": instance.since_ms,
                "restarts": instance.restarts,
                "ports": instance.listens.iter().map(|l| l.port).collect::<Vec<_>>(),
                "listens": instance.listens,
                "urls": urls(context, observed, instance),
                "detail": instance.displaced.as_ref().or(instance.detail.as_ref()),
            })
        })
        .collect();
    json!({
        "schema": "msvc.ps/1",
        "system": context.system.name,
        "running": !observed.instances.is_empty(),
        "ending": observed.ending,
        "ended": ended,
        "instances": instances,
        "entries": entries(context, observed, &LaneName::main()),
        "mesh_displaced": observed.mesh_displaced,
        "edges": observed.edges_as_one().iter().map(edge_document).collect::<Vec<_>>(),
    })
}

fn edge_document(edge: &EdgeStatus) -> Value {
    json!({
        "edge": edge.id.to_string(),
        "key": edge.id.url_form(),
        "lane": edge.id.lane,
        "caller": edge.id.caller,
        "callee": edge.id.callee,
        "port": edge.id.port,
        "listen": edge.listen,
        "why": edge.reasons,
        "speaks": edge.speaks,
        "accepting": edge.accepting,
        "counts": edge.counts,
    })
}

fn name(instance: &ObservedInstance) -> String {
    let mut name = instance.id.service.to_string();
    if instance.id.replica > 1 {
        name.push_str(&format!("-{}", instance.id.replica));
    }
    if instance.id.lane != "main" {
        name.push_str(&format!(" ({})", instance.id.lane));
    }
    name
}

/// How it stands, in a word. What is being ended is not ready, whatever its last probe said.
fn word(observed: &Observed, instance: &ObservedInstance) -> &'static str {
    match observed.ending && instance.phase.runs() {
        true => "ending",
        false => instance.phase.word(),
    }
}

fn health(observed: &Observed, instance: &ObservedInstance) -> String {
    use msvc_runtime::observed::Phase;
    match &instance.phase {
        Phase::Exited {
            status: Some(status),
            ..
        } => format!("exited {status}"),
        Phase::Exited {
            signal: Some(signal),
            ..
        } => format!("exited {signal}"),
        _ => word(observed, instance).to_owned(),
    }
}

/// Where the host reaches the instance: through the edges of published ports.
fn urls(context: &Context, observed: &Observed, instance: &ObservedInstance) -> Vec<String> {
    let entries = entries(context, observed, &instance.id.lane).into_iter();
    entries
        .filter(|entry| entry.service == instance.id.service)
        .map(|entry| entry.url)
        .collect()
}

/// Where the host reaches a lane, by port.
fn entries(context: &Context, observed: &Observed, lane: &LaneName) -> Vec<Entry> {
    let mut ways = observed.ways_in(lane, &Party::Client);
    ways.sort_by_key(|way| way.port);
    boot::entries_told(&context.system, &ways)
}

fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}
