//! The end of a system, watched: who takes its time is named, and a second Ctrl-C kills it.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::time::Duration;

use msvc_runtime::process::{ProcessRuntime, ProjectHome};
use msvc_system::id::{InstanceId, ServiceName};

use crate::context::{BUILD, Context};
use crate::running::AnyRuntime;

/// What ends sooner needs no word.
const SOON: Duration = Duration::from_secs(1);

/// Between two looks at who still runs.
const LOOK: Duration = Duration::from_millis(500);

/// The longest that asking who still runs may take: nobody waits for the answer.
const ASKED: Duration = Duration::from_secs(5);

/// Services that are named; the others are counted.
const NAMED: usize = 8;

impl Context {
    /// Does what ends the system of `home`: says for whom it still waits, and kills what is left
    /// where the user asks for the end a second time.
    pub async fn watched<T>(&self, home: &ProjectHome, ending: impl Future<Output = T>) -> T {
        let ended = tokio::select! {
            ended = ending => ended,
            never = self.tell_who_is_left(home) => match never {},
            never = self.kill_when_hurried(home) => match never {},
        };
        self.terminal.clear_progress();
        ended
    }

    /// Says for whom the end waits, and again when that are fewer.
    async fn tell_who_is_left(&self, home: &ProjectHome) -> Infallible {
        self.clock.sleep(SOON).await;
        let mut told = BTreeSet::new();
        if let Some(runtime) = self.in_time(self.ending(home)).await {
            while let Some(running) = self.in_time(left(&runtime)).await {
                let running = running.into_iter().map(|id| id.service);
                self.tell(&mut told, running.collect());
                self.clock.sleep(LOOK).await;
            }
        }
        std::future::pending().await
    }

    async fn kill_when_hurried(&self, home: &ProjectHome) -> Infallible {
        self.shutdown.forced().await;
        if let Some(runtime) = self.in_time(self.ending(home)).await {
            self.kill_all(&runtime).await;
        }
        std::future::pending().await
    }

    /// What is answered soon, if it is.
    async fn in_time<T>(&self, asked: impl Future<Output = Option<T>>) -> Option<T> {
        tokio::select! {
            answer = asked => answer,
            () = self.clock.sleep(ASKED) => None,
        }
    }

    /// The runtime of a system that ends. Nothing of it is brought back or spoken with.
    async fn ending(&self, home: &ProjectHome) -> Option<AnyRuntime> {
        let runtime = ProcessRuntime::connect(home, BUILD, &*self.clock).await;
        if let Ok(Some(runtime)) = runtime {
            return Some(AnyRuntime::Process(runtime));
        }
        let engine = match self.remembered(home).await.ok()? {
            Some(engine) => engine,
            None => self.engine().await.ok()??,
        };
        let runtime = self.in_engine(engine, home);
        Some(AnyRuntime::Docker(Box::new(runtime)))
    }

    /// Says who is left of those that were `told`, when those are fewer now.
    fn tell(&self, told: &mut BTreeSet<ServiceName>, mut running: BTreeSet<ServiceName>) {
        let is_first = told.is_empty();
        if !is_first {
            running.retain(|service| told.contains(service));
        }
        if running.is_empty() || running == *told {
            return;
        }
        let grace = |name: &ServiceName| {
            let service = self.system.service(name.as_str());
            service.map(|it| it.stop_grace_period)
        };
        let longest = running.iter().filter_map(grace).max();
        let forces = self.shutdown.is_requested();
        match is_first {
            true => self.terminal.note(&sentence(&running, longest, forces)),
            false => self.terminal.progress(&still(&running)),
        }
        *told = running;
    }

    async fn kill_all(&self, runtime: &AnyRuntime) {
        match runtime {
            AnyRuntime::Process(runtime) => drop(runtime.hurry().await),
            AnyRuntime::Docker(_) => {
                let running = self.in_time(left(runtime)).await;
                for id in running.unwrap_or_default() {
                    // It may have ended by now.
                    let _ = runtime.get().signal(&id, "SIGKILL").await;
                }
            }
        }
    }
}

/// What of a system still runs, as far as it answers.
async fn left(runtime: &AnyRuntime) -> Option<Vec<InstanceId>> {
    match runtime {
        AnyRuntime::Docker(runtime) => runtime.running().await.ok(),
        AnyRuntime::Process(_) => {
            let observed = runtime.get().observe().await.ok()?;
            let running = observed.instances.into_iter();
            let running = running.filter(|it| it.phase.runs()).map(|it| it.id);
            Some(running.collect())
        }
    }
}

/// For whom the end waits, for how long at most, and how not to wait.
fn sentence(running: &BTreeSet<ServiceName>, longest: Option<Duration>, forces: bool) -> String {
    let mut text = format!("waiting for {} to end", names(running));
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
    text
}

/// For whom it waits when others have ended meanwhile.
fn still(running: &BTreeSet<ServiceName>) -> String {
    format!("still waiting for {} to end", names(running))
}

fn names(running: &BTreeSet<ServiceName>) -> String {
    let shown = running.iter().take(NAMED);
    let mut names: Vec<String> = shown.map(ToString::to_string).collect();
    if running.len() > NAMED {
        names.push(format!("{} more", running.len() - NAMED));
    }
    names.join(", ")
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
        assert_eq!(
            said(1, false),
            "waiting for s1 to end, for 10s at most (its `stop_grace_period`)"
        );
        assert_eq!(
            said(2, true),
            "waiting for s1, s2 to end, for 10s each at most (their `stop_grace_period`); Ctrl-C \
             again kills at once"
        );
        let many = said(10, false);
        assert!(many.contains(", 2 more to end"), "{many}");
    }
}
