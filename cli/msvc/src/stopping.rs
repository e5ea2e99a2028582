//! The end of a system, watched: who takes its time is named, and a second Ctrl-C kills it.

use std::collections::BTreeSet;
use std::time::Duration;

use msvc_runtime::process::ProjectHome;
use msvc_system::id::{InstanceId, ServiceName};

use crate::context::Context;
use crate::running::AnyRuntime;

/// What ends sooner needs no word.
const SOON: Duration = Duration::from_secs(1);

/// The longest that asking who still runs may take: nobody waits for the answer.
const ASKED: Duration = Duration::from_secs(5);

/// Services that are named; the others are counted.
const NAMED: usize = 8;

impl Context {
    /// Does what ends the system of `home`: says once for whom it still waits, and kills what is
    /// left where the user asks for the end a second time.
    pub async fn watched<T>(&self, home: &ProjectHome, ending: impl Future<Output = T>) -> T {
        tokio::pin!(ending);
        let soon = self.clock.now() + SOON;
        let (mut told, mut hurried) = (false, false);
        loop {
            tokio::select! {
                ended = &mut ending => return ended,
                () = self.clock.sleep_until(soon), if !told => {
                    told = true;
                    tokio::select! {
                        ended = &mut ending => return ended,
                        running = self.still_running(home) => self.tell(&running),
                    }
                }
                () = self.shutdown.forced(), if !hurried => {
                    hurried = true;
                    tokio::select! {
                        ended = &mut ending => return ended,
                        () = self.kill_all(home) => {}
                    }
                }
            }
        }
    }

    /// What of the system still runs, as far as it answers.
    async fn running_of(&self, home: &ProjectHome) -> Option<(AnyRuntime, Vec<InstanceId>)> {
        let asked = async {
            let runtime = self.connect(home).await.ok()??;
            let observed = runtime.get().observe().await.ok()?;
            let running = observed.instances.into_iter();
            let running = running.filter(|it| it.phase.runs()).map(|it| it.id);
            let running = running.collect();
            Some((runtime, running))
        };
        tokio::select! {
            running = asked => running,
            () = self.clock.sleep(ASKED) => None,
        }
    }

    async fn still_running(&self, home: &ProjectHome) -> BTreeSet<ServiceName> {
        let running = self.running_of(home).await;
        let running = running.map(|(_, running)| running).unwrap_or_default();
        running.into_iter().map(|id| id.service).collect()
    }

    fn tell(&self, running: &BTreeSet<ServiceName>) {
        let grace = |name: &ServiceName| {
            let service = self.system.service(name.as_str());
            service.map(|it| it.stop_grace_period)
        };
        let longest = running.iter().filter_map(grace).max();
        let forces = self.shutdown.is_requested();
        if let Some(text) = sentence(running, longest, forces) {
            self.terminal.note(&text);
        }
    }

    async fn kill_all(&self, home: &ProjectHome) {
        match self.running_of(home).await {
            // Gone, or it will be.
            None => {}
            Some((AnyRuntime::Process(runtime), _)) => drop(runtime.hurry().await),
            Some((runtime, running)) => {
                for id in running {
                    // It may have ended by now.
                    let _ = runtime.get().signal(&id, "SIGKILL").await;
                }
            }
        }
    }
}

/// For whom the end waits, for how long at most, and how not to wait.
fn sentence(
    running: &BTreeSet<ServiceName>,
    longest: Option<Duration>,
    forces: bool,
) -> Option<String> {
    let mut names: Vec<String> = running
        .iter()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    if names.is_empty() {
        return None;
    }
    if running.len() > NAMED {
        names.push(format!("{} more", running.len() - NAMED));
    }
    let mut text = format!("waiting for {} to end", names.join(", "));
    if let Some(longest) = longest {
        let longest = humantime::format_duration(longest);
        text.push_str(&match running.len() {
            1 => format!(", for {longest} at most (its `stop_grace_period`)"),
            _ => format!(", for {longest} each at most (their `stop_grace_period`)"),
        });
    }
    if forces {
        text.push_str("; Ctrl-C again kills at once");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_waited_for_is_named_with_the_longest_time_and_the_way_out() {
        let names = |count: usize| (1..=count).map(|n| format!("s{n}").parse().unwrap());
        let said = |count, forces| {
            let running = names(count).collect();
            sentence(&running, Some(Duration::from_secs(10)), forces)
        };
        assert_eq!(said(0, true), None);
        assert_eq!(
            said(1, false).unwrap(),
            "waiting for s1 to end, for 10s at most (its `stop_grace_period`)"
        );
        assert_eq!(
            said(2, true).unwrap(),
            "waiting for s1, s2 to end, for 10s each at most (their `stop_grace_period`); Ctrl-C \
             again kills at once"
        );
        let many = said(10, false).unwrap();
        assert!(many.contains(", 2 more to end"), "{many}");
    }
}
