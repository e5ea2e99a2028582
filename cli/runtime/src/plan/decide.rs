//! Deciding: what is observed, compared with what is wanted.
//!
//! What runs as it is wanted is left alone. Only what changed is stopped, and its dependents run
//! on, unless they ask to be restarted with it (`depends_on: {x: {restart: true}}`).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use msvc_mesh::spec::{EdgeSpec, EdgeStatus};
use msvc_system::id::{InstanceId, ServiceName};
use msvc_system::model::RestartPolicy;

use super::await_steps::{Awaits, completed};
use super::{Deed, Plan};
use crate::instance::{HALF_HASH, InstanceSpec};
use crate::lane::Wanted;
use crate::observed::{Observed, ObservedInstance, Phase};
use crate::ports::Book;
use crate::provision::{Kind, ObservedProvision, Provision};

mod around;
mod depths;
mod edges;
mod latest;

use around::Around;
use depths::depths;
use latest::{Replica, latest, replica};

/// The plan from `observed` to `wanted`. `book` tells the project's own edges from those that
/// came to be at run time, which stay.
#[must_use]
pub fn decide(observed: &Observed, wanted: &Wanted, book: &Book) -> Plan {
    let mut deciding = Deciding {
        observed,
        wanted,
        book,
        plan: Plan::default(),
        starts: BTreeMap::new(),
        provided: Vec::new(),
        withdrawn: Vec::new(),
        mesh_changed: None,
        stops: Vec::new(),
        closes: Vec::new(),
        opens: Vec::new(),
        depths: depths(&wanted.dependencies),
        completed: completed(wanted),
        latest: latest(observed),
        carrier: None,
    };
    deciding.compare();
    deciding.stop();
    deciding.provide();
    deciding.close_edges();
    deciding.open_edges();
    deciding.start_and_await();
    deciding.plan
}

/// What is still to wait for once a plan has been carried out: whoever was ready and is so no
/// more, because a service may die while others get ready.
#[must_use]
pub fn look_again(observed: &Observed, wanted: &Wanted) -> Plan {
    let mut plan = Plan::default();
    let mut awaits = Awaits::new(wanted);
    for (place, spec) in wanted.instances.iter().enumerate() {
        if let Some(there) = observed.latest(&spec.id) {
            awaits.keep(place, there);
        }
    }
    awaits.finish(&mut plan);
    plan
}

struct Deciding<'a> {
    observed: &'a Observed,
    wanted: &'a Wanted,
    book: &'a Book,
    plan: Plan,
    /// Which wanted instances (by their place) start, and why.
    starts: BTreeMap<usize, String>,
    /// Places of the plan's steps that stop, with whom.
    stops: Vec<(usize, InstanceId)>,
    closes: Vec<(usize, &'a EdgeStatus)>,
    opens: Vec<(usize, &'a EdgeSpec)>,
    /// The longest chain of dependencies below each service.
    depths: HashMap<&'a ServiceName, usize>,
    /// The services that somebody waits for to end well.
    completed: HashSet<&'a ServiceName>,
    /// The latest incarnation of each replica.
    latest: HashMap<Replica<'a>, &'a ObservedInstance>,
    /// The latest of `provided` that carries edges: it comes after all before it.
    carrier: Option<usize>,
    /// The steps that make what instances and edges stand on.
    provided: Vec<(usize, Kind)>,
    /// The steps that clear provisions away.
    withdrawn: Vec<usize>,
    /// Why the edges' mesh is to hear of all of them again, where it is.
    mesh_changed: Option<&'static str>,
}

impl<'a> Deciding<'a> {
    fn there(&self) -> impl Iterator<Item = &'a ObservedInstance> + use<'a> {
        let lane = &self.wanted.lane;
        self.observed
            .instances
            .iter()
            .filter(move |instance| instance.id.lane == *lane)
    }

    /// The latest incarnation of a wanted instance.
    fn found(&self, id: &InstanceId) -> Option<&'a ObservedInstance> {
        self.latest.get(&replica(id)).copied()
    }

    fn compare(&mut self) {
        for (place, spec) in self.wanted.instances.iter().enumerate() {
            let cause = match self.found(&spec.id) {
                None => Some("not there yet".to_owned()),
                Some(there) => self.why_anew(spec, there),
            };
            if let Some(cause) = cause {
                self.starts.insert(place, cause);
            }
        }
        while self.restart_with_dependencies() {}
    }

    fn why_anew(&self, spec: &InstanceSpec, there: &ObservedInstance) -> Option<String> {
        match &there.phase {
            // Whoever holds it down gives it back.
            Phase::HeldDown => None,
            _ if there.is_made_elsewhere() => Some("msvc did not make it".to_owned()),
            Phase::Exited { status, signal } => {
                let done = *status == Some(0)
                    && self.is_job(spec, there)
                    && there.hash.starts_with(&spec.hash);
                let how = match (status, signal) {
                    (Some(0), _) if there.was_stopped => "it was up, and ended".to_owned(),
                    (Some(status), _) => format!("it ended with status {status}"),
                    (None, Some(signal)) => format!("it was ended by {signal}"),
                    (None, None) => "it ended".to_owned(),
                };
                (!done).then_some(how)
            }
            _ => {
                let changed = why_changed(&spec.hash, &there.hash).map(str::to_owned);
                changed.or_else(|| there.displaced.clone())
            }
        }
    }

    /// Whether ending well is all that is asked of it. A worker that obeys who stops it ends well,
    /// too.
    fn is_job(&self, spec: &InstanceSpec, there: &ObservedInstance) -> bool {
        let ends = matches!(
            spec.restart,
            RestartPolicy::No | RestartPolicy::OnFailure(_)
        );
        self.completed.contains(&spec.id.service)
            || (ends && !spec.can_be_asked() && !there.was_stopped)
    }

    fn restart_with_dependencies(&mut self) -> bool {
        let started_anew: BTreeSet<&ServiceName> = self
            .starts
            .keys()
            .map(|place| &self.wanted.instances[*place].id)
            .filter(|id| self.found(id).is_some())
            .map(|id| &id.service)
            .collect();
        let mut more = Vec::new();
        for (place, spec) in self.wanted.instances.iter().enumerate() {
            if self.starts.contains_key(&place) {
                continue;
            }
            let dependencies = self.wanted.dependencies.get(&spec.id.service);
            let with = dependencies.into_iter().flatten().find(|dependency| {
                dependency.restart && started_anew.contains(&dependency.service)
            });
            if let Some(dependency) = with {
                more.push((place, format!("{} is started anew", dependency.service)));
            }
        }
        let any = !more.is_empty();
        self.starts.extend(more);
        any
    }

    fn stop(&mut self) {
        let mut stopped: Vec<(InstanceId, String)> = Vec::new();
        let wanted = self.wanted.instances.iter().enumerate();
        let wanted: HashMap<_, usize> = wanted.map(|(at, it)| (replica(&it.id), at)).collect();
        for there in self.there() {
            match wanted.get(&replica(&there.id)).copied() {
                Some(place) => {
                    if let Some(cause) = self.starts.get(&place) {
                        stopped.push((there.id.clone(), cause.clone()));
                    }
                }
                None if self.is_ours(&there.id.service) => {
                    stopped.push((there.id.clone(), "no longer wanted".to_owned()));
                }
                None => {}
            }
        }
        // Dependents end before what they depend on.
        stopped.sort_by_key(|(id, _)| std::cmp::Reverse(self.depth(&id.service)));
        let mut dependents: HashMap<&ServiceName, Vec<usize>> = HashMap::new();
        for (id, cause) in stopped {
            let after = dependents.get(&id.service).cloned().unwrap_or_default();
            let place = self.plan.push(Deed::Stop(id.clone()), cause, after);
            let below = self.wanted.dependencies.get(&id.service);
            for dependency in below.into_iter().flatten() {
                let of_it = dependents.entry(&dependency.service).or_default();
                of_it.push(place);
            }
            self.stops.push((place, id));
        }
    }

    /// Whether what is observed of this service is for this plan to end.
    fn is_ours(&self, service: &ServiceName) -> bool {
        self.wanted.whole || self.wanted.dependencies.contains_key(service)
    }

    /// The longest chain of dependencies below a service.
    fn depth(&self, service: &ServiceName) -> usize {
        self.depths.get(service).copied().unwrap_or_default()
    }

    /// Networks and volumes, after all that stops: one that changed must be left by everybody.
    /// Then what carries edges stands on them.
    fn provide(&mut self) {
        let wanted = self.wanted;
        let gone = self.withdraw();
        let stops: Vec<usize> = self.stops.iter().map(|(place, _)| *place).collect();
        let mut provisions: Vec<&Provision> = wanted.provisions.iter().collect();
        provisions.sort_by_key(|it| match it.kind {
            Kind::Network | Kind::Volume => 0,
            Kind::Mesh => 1,
            Kind::Place | Kind::Door => 2,
        });
        for provision in provisions {
            let mut there = self.observed.provisions.iter();
            let same =
                |it: &&ObservedProvision| it.kind == provision.kind && it.name == provision.name;
            let (cause, mut after) = match there.find(same) {
                None => ("not there yet", Vec::new()),
                // Its network was made anew, so it is too.
                Some(it) if it.hash == provision.hash || it.kind == Kind::Volume => continue,
                Some(_) => {
                    let leave = stops.iter().chain(&gone);
                    ("its settings changed", leave.copied().collect())
                }
            };
            match provision.kind {
                Kind::Network | Kind::Volume => {}
                Kind::Mesh => self.mesh_changed = Some("its mesh is made anew"),
                // A place that was lost took its addresses along.
                Kind::Place => {
                    self.mesh_changed.get_or_insert("its mesh changed place");
                }
                Kind::Door => {}
            }
            let carries = !matches!(provision.kind, Kind::Network | Kind::Volume);
            if carries {
                after.extend(self.all_provided().chain(gone.iter().copied()));
            }
            if matches!(provision.kind, Kind::Mesh | Kind::Door) {
                // Who is to end may have the host's ports that it opens.
                after.extend(&stops);
            }
            let deed = Deed::Provide(Box::new(provision.clone()));
            let place = self.plan.push(deed, cause, after);
            self.provided.push((place, provision.kind));
            self.carrier = carries.then_some(place);
        }
        self.withdrawn = gone;
    }

    /// The steps after which everything is there that was provided so far. The last that carries
    /// edges comes after all others: of thousands not each is named by each.
    fn all_provided(&self) -> impl Iterator<Item = usize> {
        let provided = self.provided.iter().map(|(place, _)| *place);
        let all = provided.filter(|_| self.carrier.is_none());
        all.chain(self.carrier)
    }

    /// Whether the edges are not to be carried any more.
    fn mesh_goes(&self) -> bool {
        let mut there = self.observed.provisions.iter();
        let mut wanted = self.wanted.provisions.iter();
        let is_there =
            there.any(|it| it.kind == Kind::Mesh && it.lane.as_ref() == Some(&self.wanted.lane));
        is_there && self.wanted.whole && !wanted.any(|it| it.kind == Kind::Mesh)
    }

    /// Doors that nobody wants any more: the host has their ports back. And the mesh, where edges are
    /// not to be carried from now on.
    fn withdraw(&mut self) -> Vec<usize> {
        let wanted = self.wanted;
        let unwanted = self.observed.provisions.iter().filter(|it| {
            let mut provisions = wanted.provisions.iter();
            wanted.whole
                && matches!(it.kind, Kind::Door | Kind::Mesh)
                && it.lane.as_ref() == Some(&wanted.lane)
                && !provisions.any(|p| p.kind == it.kind && p.name == it.name)
        });
        let deeds: Vec<Deed> = unwanted.cloned().map(Deed::Withdraw).collect();
        let stops: Vec<usize> = self.stops.iter().map(|(place, _)| *place).collect();
        let push = |deed: Deed| {
            let after = match &deed {
                Deed::Withdraw(it) if it.kind == Kind::Mesh => stops.clone(),
                _ => Vec::new(),
            };
            self.plan.push(deed, "no longer wanted", after)
        };
        deeds.into_iter().map(push).collect()
    }

    fn start_and_await(&mut self) {
        let mut order: Vec<usize> = (0..self.wanted.instances.len()).collect();
        order.sort_by_key(|place| self.depth(&self.wanted.instances[*place].id.service));
        let around = Around::of(self.wanted, &self.opens);
        let mut awaits = Awaits::new(self.wanted);
        for place in order {
            let spec = &self.wanted.instances[place];
            let found = self.found(&spec.id);
            let Some(cause) = self.starts.get(&place).cloned() else {
                if let Some(found) = found {
                    awaits.keep(place, found);
                }
                continue;
            };
            let mut spec = spec.clone();
            if let Some(found) = found {
                spec.id = found.id.next();
            }
            let mut after = awaits.of_dependencies(&mut self.plan, &spec.id.service);
            after.extend(self.steps_before(&spec.id, &around));
            if spec.takes_ports_of_the_host() {
                let stops = self.stops.iter().map(|(place, _)| *place);
                after.extend(stops.chain(self.withdrawn.iter().copied()));
            }
            let id = spec.id.clone();
            let opens = around.opens.get(id.service.as_str()).into_iter().flatten();
            let opens = opens.filter(|(_, edge)| edge.id.callee == id.service);
            let opens = opens.map(|(place, _)| *place).collect();
            let step = self.plan.push(Deed::Start(Box::new(spec)), cause, after);
            awaits.start(place, id, step, opens);
        }
        awaits.finish(&mut self.plan);
    }

    /// The steps that make room for a start: its own earlier incarnation ended, its edges open.
    ///
    /// Where containers carry the edges, the addresses of callees are known before anybody holds
    /// them: who calls nobody that is known starts beside the mesh.
    fn steps_before(&self, id: &InstanceId, around: &Around<'_>) -> Vec<usize> {
        let calls = |edge: &EdgeSpec| {
            let replica = edge.caller_replica;
            edge.id.caller.key() == id.service.as_str()
                && replica.is_none_or(|replica| replica == id.replica)
        };
        let edges = around.edges.get(id.service.as_str()).into_iter().flatten();
        let mut known = edges.filter(|edge| calls(edge));
        let waits = !around.are_carried || known.any(|edge| !edge.reasons.is_empty());
        let stops = self
            .stops
            .iter()
            .filter(|(_, other)| other.same_replica(id))
            .map(|(place, _)| *place);
        let opens = around.opens.get(id.service.as_str()).into_iter().flatten();
        let opens = opens
            .filter(|(_, edge)| waits && (edge.id.callee == id.service || calls(edge)))
            .map(|(place, _)| *place);
        let is_ground = |kind: &Kind| matches!(kind, Kind::Network | Kind::Volume);
        let ground = self.provided.iter().filter(|(_, kind)| is_ground(kind));
        let ground = ground.filter(|_| !waits).map(|(place, _)| *place);
        let all = self.all_provided().filter(|_| waits);
        stops.chain(opens).chain(ground).chain(all).collect()
    }
}

/// A hash has a half for the settings and one for the program; where the second is not known,
/// nothing speaks for a change of it.
fn why_changed(wanted: &str, there: &str) -> Option<&'static str> {
    let half = |hash: &str| hash.chars().take(HALF_HASH).collect::<String>();
    if there.starts_with(wanted) {
        None
    } else if half(wanted) == half(there) {
        Some("its program changed")
    } else {
        Some("its settings changed")
    }
}
