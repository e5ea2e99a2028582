//! What is observed is no older than what is so: a process that has ended by itself keeps its phase
//! for as long as its keeper clears up after it, and who looks just then is to see its end.

use std::time::Duration;

use msvc_machine::clock::Clock;

use super::keeper::{Replica, View};

/// How long a keeper may take to tell that its process has ended: it ends what that left behind,
/// and reads what it wrote last.
const TOLD: Duration = Duration::from_secs(10);

/// Waits until the end of every process that has ended is told.
pub(super) async fn settled(replicas: Vec<Replica>, clock: &dyn Clock) {
    let told = async {
        for mut replica in replicas {
            // Without a keeper nothing is told any more.
            let _ = replica.view.wait_for(|view| !is_untold(view)).await;
        }
    };
    tokio::select! {
        () = told => {}
        () = clock.sleep(TOLD) => {}
    }
}

/// Whether its process is gone and it says nothing of that. Who was asked to end may leave somebody
/// behind who has all of its grace.
fn is_untold(view: &View) -> bool {
    let has_ended = view.process.as_ref().is_some_and(|it| !it.lives());
    has_ended && !view.is_stopped
}
