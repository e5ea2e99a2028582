//! `msvc up`: build, boot, wait until every healthcheck says so; then stay with the logs, or
//! leave a supervisor behind.

use std::time::UNIX_EPOCH;

use msvc_report::event::Event;
use msvc_report::exit::Exit;
use msvc_runtime::docker;
use msvc_runtime::lane::{Publish, Subset};
use msvc_runtime::observed::Observed;
use msvc_runtime::ports::machine_binding::MachineBinding;
use msvc_runtime::process::ProjectHome;
use msvc_runtime::up::{self, Prepared, UpRequest, preview};
use serde_json::json;

use crate::boot::{self, Wish};
use crate::booting::Booting;
use crate::cli::Up as Request;
use crate::command::logs;
use crate::context::Context;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::guests;
use crate::late;
use crate::place::Where;
use crate::running::AnyRuntime;
use crate::secrets::{self, SecretFile};

/// Brings the system up.
///
/// # Errors
/// When something cannot be built, started or does not get ready; then nothing that this call
/// started is left.
pub async fn run(context: &Context, request: &Request) -> Result<Ending, Failure> {
    logs::known(context, &request.services)?;
    let home = context.home()?;
    let since_ms = now_ms(context);
    let mut wish = Wish::whole(Publish::AsTheFileSays);
    if !request.services.is_empty() {
        wish.services = Subset::WithDependencies(request.services.clone());
    }
    if request.dry_run {
        return dry_run(context, &home, wish).await;
    }
    if let Some(why) = crate::ended::sentence(&home, &*context.clock).await? {
        context
            .terminal
            .note(&format!("{} ran before: {why}", context.system.name));
    }
    let (before, asked) = match &mut wish.services {
        // Neither has to do with the other.
        Subset::All => tokio::join!(context.connect(&home), boot::ask(context, &Subset::All)),
        named => {
            let before = context.connect(&home).await?;
            guests::beside(context, before.as_ref(), named).await?;
            (Ok(before), boot::ask(context, named).await)
        }
    };
    let before = before?;
    let place = match &before {
        Some(runtime) => {
            context.stays(runtime)?;
            context.place_of(runtime)
        }
        None => context.place().await?,
    };
    let asked = asked?;
    let sink = context.sink();
    let made = secrets::make(context, &sink)?;
    let options = wish.options(context, &home);
    // In an engine the networks and the mesh are made while cargo looks at what is fresh.
    let (booting, built) = match place {
        Where::Process => {
            let built = boot::build_beside(context, asked, &place, async |_| ()).await?;
            (Booting::begin(context, &home, place).await?, built)
        }
        Where::Docker(_) => {
            let booting = Booting::begin(context, &home, place.clone()).await?;
            match booting.build(context, asked, &place, &options).await {
                Ok(built) => (booting, built),
                Err(failure) => return Err(booting.give_up(context, &home, failure).await),
            }
        }
    };
    let limited = tokio::select! {
        up = boot::bring_up(context, &booting.runtime, &options, &built, &sink) => up,
        () = context.clock.sleep(request.timeout) => {
            Err(late::not_up(context, &booting.runtime, request.timeout).await)
        }
    };
    let up = match limited {
        Ok(up) => up,
        Err(failure) => {
            context.terminal.clear_progress();
            return Err(booting.give_up(context, &home, failure).await);
        }
    };
    let (runtime, ours) = booting.done(context).await;
    runtime.attach(false).await?;
    said(context, &up, &made, request.detach);
    if request.detach {
        return Ok(Exit::Held.into());
    }
    if !ours {
        context
            .terminal
            .note("it ran already; following its logs, Ctrl-C leaves it running");
        let lines = logs::follow(&runtime, &request.services, since_ms).await?;
        return logs::print_all(context, &runtime, lines).await;
    }
    runtime.attach(true).await?;
    stay(context, &home, &runtime, request, since_ms).await
}

/// Milliseconds since the Unix epoch, as lines of logs are stamped.
fn now_ms(context: &Context) -> u64 {
    let since = context.clock.wall().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Streams logs until Ctrl-C, which stops the system and is the normal end.
async fn stay(
    context: &Context,
    home: &ProjectHome,
    runtime: &AnyRuntime,
    request: &Request,
    since_ms: u64,
) -> Result<Ending, Failure> {
    loop {
        let lines = logs::follow(runtime, &request.services, since_ms).await?;
        if !logs::print(context, lines).await {
            // As a closed terminal does.
            context.shutdown.request_once();
        }
        if context.shutdown.is_requested() {
            break;
        }
        if let Some(lost) = runtime.lost().await {
            return Err(lost.hint("what its restart policies say comes back with it"));
        }
        // An engine that was started again has ended the streams, and not the system.
        if !runtime.outlives_its_engine().await {
            let ended = crate::ended::sentence(home, &*context.clock).await?;
            let why = ended.unwrap_or_else(|| "it was brought down".to_owned());
            let name = &context.system.name;
            context.terminal.note(&format!("{name}: {why}"));
            return Ok(Exit::Failed.into());
        }
    }
    context
        .terminal
        .note(&format!("stopping {}", context.system.name));
    let down = context.down(home, false).await?;
    for problem in down.told {
        context.terminal.event(&Event::Warned { problem });
    }
    context.terminal.event(&Event::SystemDown {
        system: context.system.name.to_string(),
        stopped: down.stopped,
        volumes_removed: false,
    });
    Ok(Exit::Interrupted.into())
}

fn said(context: &Context, up: &up::Up, made: &[SecretFile], detached: bool) {
    let terminal = &context.terminal;
    terminal.clear_progress();
    let (entries, changed) = (&up.entries, up.changed);
    if terminal.is_json() {
        if detached {
            terminal.json(&json!({
                "schema": "msvc.up/1",
                "system": context.system.name,
                "changed": changed,
                "secrets_made": made,
                "entries": entries,
                "taken_away": up.taken_away,
                "held_down": up.held.iter().map(|it| json!({
                    "service": it.id.service, "replica": it.id.replica, "by": it.held_by,
                })).collect::<Vec<_>>(),
            }));
        }
        return;
    }
    let state = match (changed, up.held.is_empty()) {
        (true, true) => "is up",
        (true, false) => "is up, but for what is held down",
        (false, true) => "was up already; nothing changed",
        (false, false) => "was up already, but for what is held down; nothing changed",
    };
    terminal.result(&format!("{} {state}", context.system.name));
    for name in &up.taken_away {
        let hint = context.system.resting_hint(name.as_str());
        let why = hint.unwrap_or_else(|| "it is not in these files".to_owned());
        terminal.result(&format!("{name} was taken down: {why}"));
    }
    for held in &up.held {
        let by = held.held_by.as_deref().unwrap_or("another command");
        terminal.result(&format!(
            "{} is held down by {by}; it comes back when that ends",
            held.id.service
        ));
    }
    for entry in entries {
        terminal.result(&format!("{} listens at {}", entry.service, entry.url));
    }
}

async fn dry_run(context: &Context, home: &ProjectHome, mut wish: Wish) -> Result<Ending, Failure> {
    use std::collections::BTreeSet;
    let before = context.connect(home).await?;
    guests::beside(context, before.as_ref(), &mut wish.services).await?;
    let services: BTreeSet<_> = msvc_runtime::lane::chosen(&context.system, &wish.services)?;
    boot::can_start(context, &services)?;
    let directory = context.system.root.clone();
    let request = msvc_runtime::build::BuildRequest {
        system: &context.system,
        services: &services,
        caller: &context.environment,
        directory: &directory,
        mark: None,
    };
    let (place, observed) = match &before {
        Some(runtime) => {
            context.stays(runtime)?;
            (context.place_of(runtime), runtime.get().observe().await?)
        }
        None => (context.place().await?, Observed::default()),
    };
    let plan = boot::build_plan(context, &request, &place).await?;
    let options = wish.options(context, home);
    let built = plan.unbuilt();
    let prepared = match place {
        Where::Process => {
            let up = UpRequest {
                system: &context.system,
                options: &options,
                built: &built,
            };
            preview(&up, &observed, &mut MachineBinding)?
        }
        Where::Docker(engine) => {
            let request = docker::boot::BootRequest {
                system: &context.system,
                options: &options,
                built: &built,
                from: context.build_from,
                mesh: !context.no_mesh,
            };
            let runtime = context.in_engine(*engine, home);
            docker::boot::dry_run(&runtime, &request, &observed).await?
        }
    };
    let Prepared {
        wanted,
        plan: steps,
    } = prepared;
    for problem in &wanted.warnings {
        context.terminal.event(&Event::Warned {
            problem: problem.clone(),
        });
    }
    let missing = secrets::missing(context);
    if context.terminal.is_json() {
        context.terminal.json(&json!({
            "schema": "msvc.plan/1",
            "system": context.system.name,
            "secrets": missing,
            "build": plan.to_string(),
            "rewritings": wanted.rewritings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "plan": steps,
        }));
        return Ok(Exit::Held.into());
    }
    let mut text = String::new();
    if !missing.is_empty() {
        text.push_str("secrets to be made\n");
        for SecretFile { secret, file } in &missing {
            text.push_str(&format!("  {secret} in {}\n", file.display()));
        }
        text.push('\n');
    }
    text.push_str(&format!("build\n{plan}\nsettings rewritten\n"));
    for rewriting in &wanted.rewritings {
        text.push_str(&format!("  {rewriting}\n"));
    }
    text.push_str(&format!("\nsteps\n{steps}"));
    context.terminal.result(&text);
    Ok(Exit::Held.into())
}
