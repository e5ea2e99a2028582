//! The executor over a runtime that tests describe, in paused time.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::stream::BoxStream;
use msvc_machine::clock::MachineClock;
use msvc_mesh::protocol::Session;
use msvc_report::event::{Stamped, Stream};
use msvc_system::model::Condition;
use tokio::time::Instant;

use super::*;
use crate::contract::{ExecOutcome, LogLine};
use crate::lane::tests::{Empty, depends, options, service, shop, system, want_on};
use crate::observed::Observed;
use crate::plan::{Step, decide};

/// A runtime whose steps take a second each, but for those that tests describe.
struct Fake {
    began: Instant,
    /// By a step's text without project and lane: how long it takes, and whether it fails.
    described: BTreeMap<&'static str, (u64, bool)>,
    log: Mutex<Vec<String>>,
    under_way: Arc<Mutex<(usize, usize)>>,
}

impl Fake {
    fn new(described: &[(&'static str, u64, bool)]) -> Self {
        Self {
            began: Instant::now(),
            described: described
                .iter()
                .map(|(step, s, fails)| (*step, (*s, *fails)))
                .collect(),
            log: Mutex::default(),
            under_way: Arc::default(),
        }
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

#[async_trait::async_trait]
impl Runtime for Fake {
    async fn observe(&self) -> Result<Observed, RuntimeError> {
        Ok(Observed::default())
    }

    async fn watch(&self, _: u64) -> Result<BoxStream<'static, Stamped>, RuntimeError> {
        Ok(futures_util::stream::empty().boxed())
    }

    async fn apply(&self, step: &Step) -> Result<Vec<Event>, RuntimeError> {
        let text = step.deed.to_string().replace("shop/main/", "");
        let text = text.split(" at ").next().unwrap_or_default().to_owned();
        {
            let mut under_way = self.under_way.lock().unwrap();
            under_way.0 += 1;
            under_way.1 = under_way.1.max(under_way.0);
        }
        let (seconds, fails) = self
            .described
            .get(text.as_str())
            .copied()
            .unwrap_or((1, false));
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        self.under_way.lock().unwrap().0 -= 1;
        let at = self.began.elapsed().as_secs();
        self.log.lock().unwrap().push(format!("{at:>2} {text}"));
        if fails {
            return Err(RuntimeError::Refused(text));
        }
        Ok(match &step.deed {
            Deed::Start(spec) => vec![Event::InstanceStarted {
                instance: spec.id.clone(),
                pid: Some(7),
            }],
            _ => Vec::new(),
        })
    }

    async fn signal(&self, _: &InstanceId, _: &str) -> Result<(), RuntimeError> {
        Ok(())
    }

    async fn pause(&self, _: &InstanceId, _: bool) -> Result<(), RuntimeError> {
        Ok(())
    }

    async fn exec(
        &self,
        instance: &InstanceId,
        _: &[String],
        _: Duration,
    ) -> Result<ExecOutcome, RuntimeError> {
        Err(RuntimeError::NoInstance(instance.clone()))
    }

    async fn logs(&self, query: &LogQuery) -> Result<BoxStream<'static, LogLine>, RuntimeError> {
        let instance = InstanceId {
            project: "shop".parse().unwrap(),
            lane: "main".parse().unwrap(),
            service: query.services[0].clone(),
            replica: 1,
            incarnation: 1,
        };
        let line = LogLine {
            instance,
            stream: Stream::Stdout,
            at_ms: 0,
            text: "cannot find the database".into(),
        };
        Ok(futures_util::stream::iter([line]).boxed())
    }

    async fn reach(&self, instance: &InstanceId, _: u16) -> Result<SocketAddr, RuntimeError> {
        Err(RuntimeError::NoInstance(instance.clone()))
    }

    async fn keeper(&self) -> Result<Session, RuntimeError> {
        panic!("no step needs a keeper")
    }

    fn mesh(&self) -> Result<&Session, RuntimeError> {
        panic!("no step needs the mesh")
    }
}

fn plan_of(system: &msvc_system::model::System) -> Plan {
    let (wanted, book) = want_on(system, &options(), &mut Empty::default()).unwrap();
    decide(&Observed::default(), &wanted, &book)
}

async fn run(
    fake: &Fake,
    plan: &Plan,
    shutdown: &Shutdown,
) -> (Result<(), RuntimeError>, Vec<Event>) {
    let events = Mutex::new(Vec::new());
    let sink = |event| events.lock().unwrap().push(event);
    let execution = Execution {
        runtime: fake,
        clock: &MachineClock,
        sink: &sink,
        shutdown,
    };
    let result = execution.run(plan).await;
    (result, events.into_inner().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_service_starts_as_soon_as_its_own_dependencies_are_ready() {
    let mut web = service("web");
    depends(&mut web, "db", Condition::ServiceHealthy);
    let mut report = service("report");
    depends(&mut report, "slow", Condition::ServiceHealthy);
    let plan = plan_of(&system(vec![web, report, service("db"), service("slow")]));
    let fake = Fake::new(&[("await slow/1#1 healthy", 20, false)]);
    let (result, events) = run(&fake, &plan, &Shutdown::new()).await;
    result.unwrap();
    assert_eq!(
        fake.log(),
        [
            " 1 start db/1#1",
            " 1 start slow/1#1",
            " 2 await db/1#1 healthy",
            " 3 start web/1#1",
            " 4 await web/1#1 healthy",
            "21 await slow/1#1 healthy",
            "22 start report/1#1",
            "23 await report/1#1 healthy",
        ]
    );
    assert_eq!(events.len(), 4, "what the steps tell goes on");
}

#[tokio::test(start_paused = true)]
async fn after_an_error_nothing_begins_what_is_under_way_ends_and_waits_are_left() {
    let plan = plan_of(&system(vec![service("a"), service("b"), service("c")]));
    let fake = Fake::new(&[
        ("start a/1#1", 1, false),
        ("await a/1#1 healthy", 900, false),
        ("start b/1#1", 2, true),
        ("start c/1#1", 5, false),
    ]);
    let (result, _) = run(&fake, &plan, &Shutdown::new()).await;
    assert_eq!(result.unwrap_err().to_string(), "start b/1#1");
    assert_eq!(
        fake.log(),
        [" 1 start a/1#1", " 2 start b/1#1", " 5 start c/1#1"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_it_at_once() {
    let plan = plan_of(&shop());
    let fake = Fake::new(&[("await broker/1#1 healthy", 30, false)]);
    let shutdown = Shutdown::new();
    let stop = shutdown.clone();
    let began = Instant::now();
    let later = async move {
        tokio::time::sleep(Duration::from_secs(10)).await;
        stop.request();
    };
    let ((result, _), ()) = tokio::join!(run(&fake, &plan, &shutdown), later);
    assert!(matches!(result, Err(RuntimeError::Interrupted)));
    assert_eq!(began.elapsed().as_secs(), 10);
    assert!(!fake.log().iter().any(|line| line.contains("start orders")));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_never_ready_is_told_with_its_last_lines() {
    let plan = plan_of(&system(vec![service("web")]));
    let fake = Fake::new(&[("await web/1#1 healthy", 100_000, false)]);
    let (result, _) = run(&fake, &plan, &Shutdown::new()).await;
    let Err(RuntimeError::NeverReady {
        instance,
        why,
        last_lines,
    }) = result
    else {
        panic!("{result:?}")
    };
    assert_eq!(instance.service.as_str(), "web");
    assert_eq!(why, "it is not ready after 68 s");
    assert_eq!(last_lines, ["cannot find the database"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_required_may_fail_with_a_warning() {
    let mut web = service("web");
    depends(&mut web, "cache", Condition::ServiceHealthy);
    web.depends_on[0].required = false;
    let plan = plan_of(&system(vec![web, service("cache")]));
    let fake = Fake::new(&[("await cache/1#1 healthy", 1, true)]);
    let (result, events) = run(&fake, &plan, &Shutdown::new()).await;
    result.unwrap();
    assert!(
        fake.log()
            .iter()
            .any(|line| line.contains("await web/1#1 healthy"))
    );
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Warned { .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_few_start_at_once() {
    let services = (0..20).map(|n| service(&format!("s{n}"))).collect();
    let mut plan = plan_of(&system(services));
    plan.steps
        .retain(|planned| matches!(planned.step.deed, Deed::Start(_)));
    let fake = Fake::new(&[]);
    let (result, _) = run(&fake, &plan, &Shutdown::new()).await;
    result.unwrap();
    assert_eq!(fake.log().len(), 20);
    assert_eq!(fake.under_way.lock().unwrap().1, AT_ONCE);
}

#[tokio::test(start_paused = true)]
async fn edges_keep_nobody_from_starting() {
    let mut plan = plan_of(&shop());
    let edge = |planned: &&Planned| matches!(planned.step.deed, Deed::OpenEdge(_));
    let edge = plan.steps.iter().find(edge).unwrap().clone();
    let free = |planned: &Planned| Planned {
        after: Vec::new(),
        ..planned.clone()
    };
    let starts = plan.steps.iter();
    let starts = starts.filter(|it| matches!(it.step.deed, Deed::Start(_)));
    let starts: Vec<Planned> = starts.map(free).collect();
    plan.steps = vec![free(&edge); 20];
    plan.steps.extend(starts.clone());
    let fake = Fake::new(&[]);
    let (result, _) = run(&fake, &plan, &Shutdown::new()).await;
    result.unwrap();
    assert_eq!(fake.under_way.lock().unwrap().1, 20 + starts.len());
}
