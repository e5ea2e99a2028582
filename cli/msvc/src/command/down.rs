//! `msvc down`: nothing of the system runs when it returns; its data stays unless asked.

use msvc_report::event::Event;
use msvc_report::exit::Exit;

use crate::cli::Down;
use crate::context::Context;
use crate::exit::Ending;
use crate::failure::Failure;

/// Brings the system down, also after any crash.
///
/// # Errors
/// When something lives that cannot be ended.
pub async fn run(context: &Context, request: &Down) -> Result<Ending, Failure> {
    let home = context.home()?;
    let down = context.down(&home, request.volumes).await?;
    for problem in down.told {
        context.terminal.event(&Event::Warned { problem });
    }
    let name = context.system.name.to_string();
    if context.terminal.is_json() {
        context.terminal.json(&serde_json::json!({
            "schema": "msvc.down/1",
            "system": name,
            "stopped": down.stopped,
            "in_order": down.in_order,
            "volumes_removed": request.volumes,
        }));
    } else if !down.in_order && down.stopped > 0 {
        context.terminal.note(&format!(
            "cleared {} process{} that a crash had left",
            down.stopped,
            if down.stopped == 1 { "" } else { "es" }
        ));
    }
    context.terminal.event(&Event::SystemDown {
        system: name,
        stopped: down.stopped,
        volumes_removed: request.volumes,
    });
    Ok(Exit::Held.into())
}
