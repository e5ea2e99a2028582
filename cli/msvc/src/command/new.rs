//! `msvc new`: a service from a template, wired into the system.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use msvc_machine::shutdown::Shutdown;
use msvc_report::exit::Exit;
use msvc_scaffold::answers;
use msvc_scaffold::new::{Draft, Plan, Request};
use msvc_scaffold::template::{self, Question};
use msvc_scaffold::write;
use serde_json::{Value, json};

use crate::cli::{Cli, New};
use crate::context::load_request;
use crate::exit::Ending;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Makes the service, or shows what would be made.
///
/// # Errors
/// When name, answers, target or Compose file do not allow it; then nothing was written.
pub async fn run(
    cli: &Cli,
    request: &New,
    terminal: &Terminal,
    shutdown: &Shutdown,
) -> Result<Ending, Failure> {
    if request.list {
        return list(terminal);
    }
    let wanted = Request {
        name: request.name.clone().unwrap_or_default(),
        template: request.template.clone().unwrap_or_default(),
        set: request.set.clone(),
        alone: request.alone,
        // It writes: where to is looked at by the names that the machine has for it.
        load: load_request(cli, &terminal.here().real())?,
    };
    let mut draft = Draft::begin(wanted, Arc::new(terminal.files().clone()), &port_is_free)?;
    if terminal.can_ask() && !request.no_input {
        ask(&mut draft, terminal, shutdown).await?;
    }
    let mut plan = draft.plan()?;
    if let Some(port) = plan.port.filter(|port| !port_is_free(*port)) {
        let note = format!("port {port} is in use on this machine now");
        plan.notes.push(note);
    }
    if shutdown.is_requested() {
        return Err(Failure::interrupted());
    }
    if !request.dry_run {
        write::write(&plan)?;
    }
    tell(&plan, request.dry_run, terminal);
    Ok(Exit::Held.into())
}

/// Whether nothing holds the port on this machine, on loopback or everywhere.
fn port_is_free(port: u16) -> bool {
    let free = |ip: Ipv4Addr| TcpListener::bind((ip, port)).is_ok();
    free(Ipv4Addr::LOCALHOST) && free(Ipv4Addr::UNSPECIFIED)
}

/// Asks what is open until it is answered in a way that fits.
async fn ask(draft: &mut Draft, terminal: &Terminal, shutdown: &Shutdown) -> Result<(), Failure> {
    while let Some((question, proposed)) = draft.open_questions()?.into_iter().next() {
        let Question { key, ask, .. } = question;
        terminal.question(&if proposed.is_empty() {
            ask
        } else {
            format!("{ask} [{proposed}]")
        });
        let line = read_line(shutdown).await?;
        let answer = match line.trim() {
            "" => proposed.as_str(),
            answer => answer,
        };
        if let Err(error) = draft.answer(&key, answer) {
            terminal.failure(&error.into());
        }
    }
    Ok(())
}

/// A line of standard input. Its end, like Ctrl-C, ends the command: nobody is there to answer.
async fn read_line(shutdown: &Shutdown) -> Result<String, Failure> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin()
            .read_line(&mut line)
            .map(|read| (read, line))
    });
    let read = tokio::select! {
        read = reading => read,
        () = shutdown.requested() => return Err(Failure::interrupted()),
    };
    match read {
        Ok(Ok((1.., line))) => Ok(line),
        _ => Err(Failure::interrupted()),
    }
}

fn tell(plan: &Plan, dry_run: bool, terminal: &Terminal) {
    if terminal.is_json() {
        terminal.json(&as_json(plan, dry_run));
        return;
    }
    if dry_run {
        terminal.result(&plan.to_string());
    } else {
        terminal.result(&summary(plan));
    }
    for note in &plan.notes {
        terminal.note(note);
    }
    if dry_run {
        terminal.note("nothing was written");
    }
}

fn summary(plan: &Plan) -> String {
    let target = plan.shown(&plan.target);
    let mut lines = vec![format!(
        "made {target} from {} ({} files)",
        plan.template,
        plan.files.len()
    )];
    for pact in &plan.pacts {
        lines.push(format!(
            "made {}",
            plan.shown(&plan.contracts.join(&pact.path))
        ));
    }
    if let Some(compose) = &plan.compose {
        let verb = if compose.before.is_some() {
            "changed"
        } else {
            "made"
        };
        lines.push(format!("{verb} {}", plan.shown(&compose.path)));
        let schema = compose.schema.iter();
        lines.extend(schema.map(|path| format!("made {}", plan.shown(path))));
    }
    lines.push(match plan.port {
        Some(port) => format!(
            "next: `msvc up -d {}`, then http://localhost:{port}",
            plan.name
        ),
        None => format!("next: `cargo test` in {target}"),
    });
    lines.join("\n")
}

fn as_json(plan: &Plan, dry_run: bool) -> Value {
    let paths = |files: &[msvc_scaffold::render::File]| -> Vec<String> {
        files.iter().map(|file| file.path.clone()).collect()
    };
    let compose = plan.compose.as_ref().map(|change| {
        json!({
            "file": plan.shown(&change.path),
            "new": change.before.is_none(),
            "schema": change.schema.as_ref().map(|path| plan.shown(path)),
            "diff": plan.diff(),
        })
    });
    json!({
        "schema": "msvc.new/1",
        "service": plan.name,
        "template": plan.template,
        "written": !dry_run,
        "folder": plan.shown(&plan.target),
        "files": paths(&plan.files),
        "contracts": plan.shown(&plan.contracts),
        "pacts": paths(&plan.pacts),
        "compose": compose,
        "port": plan.port,
        "notes": plan.notes,
    })
}

fn list(terminal: &Terminal) -> Result<Ending, Failure> {
    let templates = template::all()?;
    if terminal.is_json() {
        let question = |q: &Question| json!({"key": q.key, "ask": q.ask, "default": q.default});
        let templates: Vec<Value> = templates
            .iter()
            .map(|template| {
                let questions = answers::questions(template, false);
                let questions: Vec<Value> = questions.iter().map(question).collect();
                json!({
                    "name": template.name,
                    "description": template.description,
                    "answers": questions,
                })
            })
            .collect();
        terminal.json(&json!({"schema": "msvc.templates/1", "templates": templates}));
        return Ok(Exit::Held.into());
    }
    for template in &templates {
        terminal.result(&format!("{}  {}", template.name, template.description));
        for Question { key, ask, .. } in answers::questions(template, false) {
            terminal.result(&format!("  --set {key:<12} {ask}"));
        }
    }
    Ok(Exit::Held.into())
}
