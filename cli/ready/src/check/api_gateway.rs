//! An API gateway, or a plan for one: one way in, that leads to the services behind it.
//!
//! A gateway is what its settings, its files or its routes lead on to several parts, and what can
//! be reached. A name, a start order, a text that speaks of one are doubts.

use crate::compose::{Compose, Service, leads_to};
use crate::decision::{Decision, for_a_gateway};
use crate::finding::{Finding, Standing};
use crate::kubernetes::{Document, documents};
use crate::repository::Repository;
use crate::tree::says_nothing;

/// What gateways are called, as images or as services.
const GATEWAYS: [&str; 18] = [
    "gateway",
    "apigateway",
    "nginx",
    "traefik",
    "envoy",
    "kong",
    "haproxy",
    "caddy",
    "apisix",
    "krakend",
    "tyk",
    "zuul",
    "ambassador",
    "istio",
    "gloo",
    "yarp",
    "ocelot",
    "ingress",
];
/// Gateways that read their routes from the services' own labels or settings: their name, and how
/// such a label begins.
const LABELS: [(&str, &str); 4] = [
    ("traefik", "traefik.http.routers."),
    ("traefik", "traefik.enable=true"),
    ("caddy", "caddy"),
    ("nginx", "VIRTUAL_HOST"),
];
/// One part behind a gateway is no choice of ways.
const FEWEST: usize = 2;

/// How far a way in goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// To nothing.
    Nowhere,
    /// To something, as far as can be told.
    Perhaps,
    /// To the parts.
    Leads,
}

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new("api-gateway", "There is an API gateway, or a plan for one");
    let tree = &repository.tree;
    let plan = for_a_gateway(tree);
    if let Some(Decision { file, doubt }) = &plan {
        let said = format!("a decision {}", doubt.unwrap_or("names a gateway"));
        finding.saw_at(tree.place(&file.path, 1), said);
    }
    if let Some(why) = &repository.compose_problem {
        finding.saw(why.clone());
    }
    let routes = ingress(repository, &mut finding);
    let (gateway, idle) = match &repository.compose {
        Some(compose) => composed(compose, repository, &mut finding),
        None => (None, false),
    };
    let composed = gateway.map_or(Way::Nowhere, |(_, way)| way);
    let way = routes.max(composed);
    if way == Way::Leads {
        let past = past(repository, gateway.map(|(gateway, _)| gateway));
        finding.figure("ways_past_the_gateway", past.len());
        for service in &past {
            let place = service.published.as_ref().unwrap_or(&service.place);
            let said = format!("{} opens a port past the gateway", service.name);
            finding.saw_at(place.clone(), said);
        }
        return match past.is_empty() {
            true => finding.stands(Standing::Ready, "keep every way in behind it"),
            false => finding.stands(
                Standing::Partly,
                "close the ports that lead past the gateway",
            ),
        };
    }
    planned(finding, repository, plan.map(|plan| plan.doubt), way, idle)
}

/// The verdict where no way in leads to the parts: by the plan for one, with what makes it a doubt.
fn planned(
    mut finding: Finding,
    repository: &Repository,
    plan: Option<Option<&str>>,
    way: Way,
    idle: bool,
) -> Finding {
    match plan {
        Some(None) => {
            return finding.stands(
                Standing::Ready,
                "build what the decision says before the first split",
            );
        }
        Some(Some(_)) if way == Way::Nowhere => {
            return finding.stands(
                Standing::Partly,
                "write down whether an API gateway will stand in front, and accept it",
            );
        }
        _ => {}
    }
    if way == Way::Perhaps {
        return finding.stands(
            Standing::Partly,
            "route to the parts through the gateway, and let nothing else be the way in",
        );
    }
    if repository.compose_problem.is_some() {
        finding.saw("no ingress, and no decision for an API gateway");
        return finding.stands(
            Standing::Inconclusive,
            "mend the Compose file, then run this again",
        );
    }
    if !idle {
        finding.saw(match &repository.compose {
            Some(_) => "no service of the Compose file is a gateway, and no decision is for one",
            None => "no Compose file, no ingress, and no decision for an API gateway",
        });
    }
    finding.stands(
        Standing::NotReady,
        match (idle, &repository.compose) {
            (true, _) => "route to the services through the gateway that is there",
            (false, Some(_)) => "put one way in before the parts, or write down the plan for it",
            (false, None) => "write down which gateway will stand in front, and why",
        },
    )
}

/// How far the routes of Kubernetes go.
fn ingress(repository: &Repository, finding: &mut Finding) -> Way {
    let tree = &repository.tree;
    let all = documents(tree);
    let mut best = (Way::Nowhere, None);
    let mut reached = std::collections::BTreeSet::new();
    for route in all.iter().filter(|it| it.is_route()) {
        let backends = route.backends();
        reached.extend(backends.iter().cloned());
        let way = match backends.len() {
            _ if reached.len() >= FEWEST => Way::Leads,
            0 if route.node.is_some() => Way::Nowhere,
            _ => Way::Perhaps,
        };
        if best.1.is_none() || way > best.0 {
            best = (way, Some(route));
        }
    }
    let Some(route) = best.1 else {
        return Way::Nowhere;
    };
    finding.saw_at(route.place(tree), said_of(route, best.0, &reached));
    best.0
}

fn said_of(route: &Document<'_>, way: Way, to: &std::collections::BTreeSet<String>) -> String {
    match (way, to.first()) {
        (Way::Leads, _) => format!("an ingress leads to {} services", to.len()),
        (Way::Perhaps, Some(one)) => format!("an ingress leads to {one} alone"),
        (Way::Perhaps, None) => {
            format!("where this {} leads is for a template to say", route.kind)
        }
        (Way::Nowhere, _) => format!("this {} leads to no service", route.kind),
    }
}

/// The parts beside a gateway, and which of them it leads to.
fn reached<'a>(
    gateway: &Service,
    compose: &'a Compose,
    repository: &Repository,
) -> (Vec<&'a Service>, Vec<&'a str>) {
    let all = compose.services.iter();
    let others: Vec<&Service> = all.filter(|other| other.name != gateway.name).collect();
    let is_part = |it: &&Service| repository.is_part(it);
    let mut parts: Vec<&Service> = others.iter().copied().filter(is_part).collect();
    if parts.is_empty() {
        parts = others;
    }
    let given = given(gateway, repository);
    let contexts = &repository.contexts;
    let leads =
        |name: &str| gateway.leads_to(name) || given.iter().any(|text| leads_to(text, name));
    let is_reached = |part: &&&Service| {
        // A registry may know it by the name of its part.
        let folder = part.build.as_deref().filter(|it| !it.is_empty());
        let alone = folder.filter(|it| {
            let mut same = parts
                .iter()
                .filter(|other| other.build.as_deref() == Some(*it));
            same.next().is_some() && same.next().is_none()
        });
        let context = alone.and_then(|it| contexts.of(&format!("{it}/x")));
        let context = context.map(|it| contexts.name(it));
        leads(&part.name) || context.is_some_and(leads) || is_labelled(gateway, part)
    };
    let reached = parts.iter().filter(is_reached);
    let reached = reached.map(|part| part.name.as_str()).collect();
    (parts, reached)
}

/// The best gateway of the Compose file, and whether one is there that leads nowhere.
fn composed<'a>(
    compose: &'a Compose,
    repository: &Repository,
    finding: &mut Finding,
) -> (Option<(&'a Service, Way)>, bool) {
    let mut best: Option<(&Service, Way, String)> = None;
    let called: Vec<&Service> = compose.of_kind(&GATEWAYS).collect();
    let is_called = |it: &Service| called.iter().any(|other| other.name == it.name);
    // What only stands on a gateway's image is one where it leads somewhere: many serve files so.
    let made = compose.services.iter().filter(|it| {
        let below = it.made_of();
        let is_one = below.is_some_and(|it| GATEWAYS.contains(&it.as_str()));
        is_one && !is_called(it) && it.idle.is_none()
    });
    let made = made.filter(|it| !reached(it, compose, repository).1.is_empty());
    for gateway in called.iter().copied().chain(made) {
        let (way, said) = match gateway.idle {
            Some(why) => (
                Way::Nowhere,
                format!("{} {why}: nothing starts it", gateway.name),
            ),
            None => judged(gateway, compose, repository),
        };
        if best.as_ref().is_none_or(|(_, other, _)| way > *other) {
            best = Some((gateway, way, said));
        }
    }
    let Some((gateway, way, said)) = best else {
        return (None, false);
    };
    finding.saw_at(gateway.place.clone(), said);
    (Some((gateway, way)), way == Way::Nowhere)
}

/// How far a gateway leads, and how that is said.
fn judged(gateway: &Service, compose: &Compose, repository: &Repository) -> (Way, String) {
    let name = &gateway.name;
    let (parts, reached) = reached(gateway, compose, repository);
    let enough = reached.len() >= FEWEST.min(parts.len()).max(1);
    match (reached.as_slice(), enough) {
        (_, true) if gateway.published.is_none() => {
            let said = format!("{name} leads to other services, but no port leads to it");
            (Way::Perhaps, said)
        }
        (_, true) => (Way::Leads, format!("{name} leads to other services")),
        ([one, ..], false) => (Way::Perhaps, format!("{name} leads to {one} alone")),
        ([], false) => {
            let hoped = parts.iter().find(|part| {
                gateway.waits.contains(&part.name) || is_written(&part.name, repository)
            });
            match hoped.filter(|_| gateway.published.is_some()) {
                Some(part) => {
                    let said = format!(
                        "{name} may lead to {}, but no route that it has says so",
                        part.name
                    );
                    (Way::Perhaps, said)
                }
                None => (
                    Way::Nowhere,
                    format!("{name} stands there and leads to no service"),
                ),
            }
        }
    }
}

/// What the files say that a gateway is given or built of; no documents, which route nothing.
fn given<'a>(gateway: &Service, repository: &'a Repository) -> Vec<&'a str> {
    let build = gateway.build.iter().filter(|folder| !folder.is_empty());
    let source = repository
        .contexts_of(gateway)
        .flat_map(|context| &context.folders);
    let folders: Vec<&String> = gateway.files.iter().chain(build).chain(source).collect();
    let is_given = |path: &str| {
        folders.iter().any(|folder| {
            let rest = path.strip_prefix(folder.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let texts = repository.tree.texts.iter();
    // Scripts that it is given it hands out, as a rule; those that it is built of it is.
    let is_script = |path: &str| path.ends_with(".js") || path.ends_with(".mjs");
    let is_mounted = |path: &str| is_script(path) && gateway.build.is_none();
    let texts = texts.filter(|file| is_given(&file.path) && !is_mounted(&file.path));
    let texts = texts.filter(|file| !is_prose(&file.path));
    let texts = texts.filter(|file| !says_nothing(&file.text));
    texts.map(|file| file.text.as_str()).collect()
}

/// Whether it is for people, or for their browsers.
fn is_prose(path: &str) -> bool {
    [
        ".md", ".txt", ".rst", ".adoc", ".html", ".htm", ".css", ".map",
    ]
    .iter()
    .any(|it| path.ends_with(it))
}

/// Whether a part's labels are the route that such a gateway reads.
fn is_labelled(gateway: &Service, part: &Service) -> bool {
    let kind = gateway.kind();
    let keys = part.settings.iter().filter_map(|it| it.key.as_deref());
    let said: Vec<&str> = part.labels.iter().map(String::as_str).chain(keys).collect();
    let begins = |begin: &str| said.iter().any(|it| it.starts_with(begin));
    LABELS
        .iter()
        .any(|(name, begin)| kind.contains(name) && begins(begin))
}

/// Whether a file that is called as a gateway, and that nothing is given, leads to a host.
fn is_written(host: &str, repository: &Repository) -> bool {
    repository.tree.texts.iter().any(|file| {
        let path = file.path.to_lowercase();
        let compose = repository.compose.as_ref().map(|it| it.path.as_str());
        GATEWAYS.iter().any(|kind| path.contains(kind))
            && Some(file.path.as_str()) != compose
            && !is_prose(&path)
            && leads_to(&file.text, host)
    })
}

/// Parts that open a port of their own.
fn past<'a>(repository: &'a Repository, gateway: Option<&Service>) -> Vec<&'a Service> {
    let services = repository.compose.iter().flat_map(|it| &it.services);
    services
        .filter(|service| gateway.is_none_or(|gateway| gateway.name != service.name))
        .filter(|service| service.published.is_some() && !service.on_loopback)
        .filter(|service| repository.is_part(service))
        .collect()
}
