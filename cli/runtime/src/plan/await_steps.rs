//! Waiting: dependents for what they depend on, the plan for everything it started.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use msvc_system::id::{InstanceId, ServiceName};
use msvc_system::model::{Condition, Dependency};

use super::{Deed, Plan};
use crate::instance::{HealthSpec, InstanceSpec};
use crate::lane::Wanted;
use crate::observed::{ObservedInstance, Phase};

/// How long a service without a healthcheck may take until its ports accept, if it has any.
const UNTIL_PORTS_ACCEPT: Duration = Duration::from_secs(60);

/// What is added to the time in which a healthcheck itself gives up, for a busy machine.
const SLACK: Duration = Duration::from_secs(30);

/// How a wanted instance stands when the plan has come to it.
struct Standing {
    id: InstanceId,
    /// The step that starts it.
    start: Option<usize>,
    /// Further steps without which nobody can tell that it is ready.
    besides: Vec<usize>,
    /// What it is already, when it is not started.
    phase: Option<Phase>,
}

/// The waiting steps of a plan, one for each instance and condition.
pub(super) struct Awaits<'a> {
    wanted: &'a Wanted,
    /// Where the instances of each service are.
    places: HashMap<&'a ServiceName, Vec<usize>>,
    standing: BTreeMap<usize, Standing>,
    /// By place of the instance and condition: the step, and who needs it.
    steps: IndexMap<(usize, Condition), (usize, IndexSet<ServiceName>)>,
    /// The services that somebody waits for to end well.
    completed: HashSet<&'a ServiceName>,
}

impl<'a> Awaits<'a> {
    pub(super) fn new(wanted: &'a Wanted) -> Self {
        let mut places: HashMap<_, Vec<usize>> = HashMap::new();
        for (place, spec) in wanted.instances.iter().enumerate() {
            places.entry(&spec.id.service).or_default().push(place);
        }
        Self {
            wanted,
            places,
            standing: BTreeMap::new(),
            steps: IndexMap::new(),
            completed: completed(wanted),
        }
    }

    /// The instance at `place` is started by `step`; whether it is ready is not asked before
    /// `besides` have ended too.
    pub(super) fn start(&mut self, place: usize, id: InstanceId, step: usize, besides: Vec<usize>) {
        let standing = Standing {
            id,
            start: Some(step),
            besides,
            phase: None,
        };
        self.standing.insert(place, standing);
    }

    /// The instance at `place` is left as it is.
    pub(super) fn keep(&mut self, place: usize, there: &ObservedInstance) {
        let standing = Standing {
            id: there.id.clone(),
            start: None,
            besides: Vec::new(),
            phase: Some(there.phase.clone()),
        };
        self.standing.insert(place, standing);
    }

    /// The steps that must have ended before `service` may start.
    pub(super) fn of_dependencies(&mut self, plan: &mut Plan, service: &ServiceName) -> Vec<usize> {
        let mut after = Vec::new();
        let dependencies = self.wanted.dependencies.get(service);
        for dependency in dependencies.into_iter().flatten() {
            for place in self.places_of(&dependency.service) {
                let needs = (dependency.condition, dependency.required);
                after.extend(self.step(plan, place, needs, Some(service)));
            }
        }
        after
    }

    fn places_of(&self, service: &ServiceName) -> Vec<usize> {
        self.places.get(service).cloned().unwrap_or_default()
    }

    fn step(
        &mut self,
        plan: &mut Plan,
        place: usize,
        (condition, required): (Condition, bool),
        needer: Option<&ServiceName>,
    ) -> Option<usize> {
        let standing = self.standing.get(&place)?;
        if standing
            .phase
            .as_ref()
            .is_some_and(|phase| holds(phase, condition))
        {
            return None;
        }
        if condition == Condition::ServiceStarted && standing.start.is_some() {
            return standing.start;
        }
        let (step, needers) = self.steps.entry((place, condition)).or_insert_with(|| {
            let deed = Deed::Await(standing.id.clone(), condition);
            let besides = standing.besides.iter().copied();
            let after = standing.start.into_iter().chain(besides).collect();
            let step = plan.push(deed, String::new(), after);
            let planned = &mut plan.steps[step];
            let spec = &self.wanted.instances[place];
            planned.within = patience(spec, condition);
            if spec.health.is_none() {
                planned.ports = spec.listens.iter().map(|it| it.port).collect();
            }
            planned.optional = true;
            (step, IndexSet::new())
        });
        if let Some(needer) = needer {
            plan.steps[*step].optional &= !required;
            if !needers.contains(needer) {
                needers.insert(needer.clone());
            }
        } else if needers.is_empty() {
            plan.steps[*step].optional = false;
        }
        Some(*step)
    }

    /// Waits for everything that is not yet as it should be.
    pub(super) fn finish(mut self, plan: &mut Plan) {
        for place in 0..self.wanted.instances.len() {
            let held = |standing: &Standing| standing.phase == Some(Phase::HeldDown);
            if self.standing.get(&place).is_none_or(held) {
                continue;
            }
            let condition = self.asked_of(&self.wanted.instances[place]);
            self.step(plan, place, (condition, true), None);
        }
        for (step, needers) in self.steps.values() {
            plan.steps[*step].step.cause = cause(needers);
        }
    }

    /// What is asked of an instance for its own sake.
    fn asked_of(&self, spec: &InstanceSpec) -> Condition {
        if self.completed.contains(&spec.id.service) {
            Condition::ServiceCompletedSuccessfully
        } else {
            Condition::ServiceHealthy
        }
    }
}

/// The services that somebody waits for to end well.
pub(super) fn completed(wanted: &Wanted) -> HashSet<&ServiceName> {
    let all = wanted.dependencies.values().flatten();
    let ends = |it: &&Dependency| it.condition == Condition::ServiceCompletedSuccessfully;
    all.filter(ends).map(|it| &it.service).collect()
}

fn cause(needers: &IndexSet<ServiceName>) -> String {
    let names: Vec<&str> = needers.iter().map(ServiceName::as_str).collect();
    match names.as_slice() {
        [] => "up means ready".to_owned(),
        [one] => format!("{one} needs it"),
        many => format!("{} need it", many.join(", ")),
    }
}

/// Whether what is there is already as it is needed.
fn holds(phase: &Phase, condition: Condition) -> bool {
    match condition {
        Condition::ServiceStarted => {
            phase.runs() || matches!(phase, Phase::Exited { .. } | Phase::Restarting)
        }
        Condition::ServiceHealthy => {
            // A job that is done and left alone is as good as it gets.
            matches!(
                phase,
                Phase::Ready
                    | Phase::Exited {
                        status: Some(0),
                        ..
                    }
            )
        }
        Condition::ServiceCompletedSuccessfully => {
            matches!(
                phase,
                Phase::Exited {
                    status: Some(0),
                    ..
                }
            )
        }
    }
}

/// The bound of a wait: later than the healthcheck's own verdict can come.
fn patience(spec: &InstanceSpec, condition: Condition) -> Option<Duration> {
    match (condition, &spec.health) {
        (Condition::ServiceCompletedSuccessfully, _) => None,
        (_, None) => Some(UNTIL_PORTS_ACCEPT),
        (_, Some(health)) => {
            let HealthSpec {
                interval,
                timeout,
                retries,
                start_period,
                ..
            } = health;
            let rounds = (*interval + *timeout).saturating_mul(retries.saturating_add(1));
            Some(start_period.saturating_add(rounds).saturating_add(SLACK))
        }
    }
}
