//! Signals become the wish to end: Ctrl-C, TERM and HUP gently, a second one at once.

use msvc_machine::shutdown::Shutdown;
use tokio::signal::unix::{SignalKind, signal};

/// Turns INT, TERM and HUP into requests on the returned shutdown, for as long as the runtime
/// lives.
///
/// # Errors
/// When the system refuses a handler.
pub fn watch() -> std::io::Result<Shutdown> {
    let shutdown = Shutdown::new();
    for kind in [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::hangup(),
    ] {
        let mut signals = signal(kind)?;
        let shutdown = shutdown.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                shutdown.request();
            }
        });
    }
    Ok(shutdown)
}
