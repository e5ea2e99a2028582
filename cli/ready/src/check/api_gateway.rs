//! An API gateway, or a plan for one: one way in, that leads to the services behind it.

use crate::compose::{Compose, Service};
use crate::finding::{Finding, Standing};
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

/// Folders and words of decisions.
const DECISIONS: [&str; 5] = ["adr", "adrs", "decisions", "rfc", "rfcs"];
/// A plan says more than its title.
const PLAN_WORDS: usize = 30;

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new("api-gateway", "There is an API gateway, or a plan for one");
    let tree = &repository.tree;
    let plan = tree.texts.iter().find(|file| {
        let in_decisions = file
            .path
            .split('/')
            .any(|part| DECISIONS.contains(&part.to_lowercase().as_str()));
        let text = file.text.to_lowercase();
        in_decisions && text.contains("gateway") && text.split_whitespace().count() >= PLAN_WORDS
    });
    if let Some(plan) = plan {
        finding.saw_at(tree.place(&plan.path, 1), "a decision names a gateway");
    }
    if let Some(why) = &repository.compose_problem {
        finding.saw(why.clone());
    }
    let Some(compose) = &repository.compose else {
        let ingress = tree.find(
            &["kind: ingress", "kind: gateway", "kind: httproute"],
            |path| path.ends_with(".yaml") || path.ends_with(".yml"),
        );
        if let Some(hit) = ingress
            .first()
            .filter(|hit| hit.file.text.contains("backend"))
        {
            finding.saw_at(
                tree.place(&hit.file.path, hit.line),
                "an ingress leads to services",
            );
            return finding.stands(Standing::Ready, "keep every way in behind it");
        }
        return match plan {
            Some(_) => finding.stands(
                Standing::Ready,
                "build what the decision says before the first split",
            ),
            None if repository.compose_problem.is_some() => {
                finding.saw("no ingress, and no decision that names a gateway");
                finding.stands(
                    Standing::Inconclusive,
                    "mend the Compose file, then run this again",
                )
            }
            None => {
                finding.saw("no Compose file, no ingress, and no decision that names a gateway");
                finding.stands(
                    Standing::NotReady,
                    "write down which gateway will stand in front, and why",
                )
            }
        };
    };
    let gateway = compose
        .of_kind(&GATEWAYS)
        .find(|service| leads_somewhere(compose, service, repository));
    let idle = compose
        .of_kind(&GATEWAYS)
        .find(|service| !leads_somewhere(compose, service, repository));
    let Some(gateway) = gateway else {
        if let Some(idle) = idle {
            finding.saw_at(
                idle.place.clone(),
                format!("{} stands there and leads to no service", idle.name),
            );
        }
        if plan.is_some() {
            return finding.stands(
                Standing::Ready,
                "build what the decision says before the first split",
            );
        }
        if idle.is_none() {
            finding.saw("no service of the Compose file is a gateway, and no decision names one");
        }
        return finding.stands(
            Standing::NotReady,
            if idle.is_some() {
                "route to the services through the gateway that is there"
            } else {
                "put one way in before the parts, or write down the plan for it"
            },
        );
    };
    finding.saw_at(
        gateway.place.clone(),
        format!("{} leads to other services", gateway.name),
    );
    let past: Vec<&Service> = compose
        .services
        .iter()
        .filter(|service| service.name != gateway.name && service.build.is_some())
        .filter(|service| service.published.is_some())
        .collect();
    finding.figure("ways_past_the_gateway", past.len());
    for service in &past {
        let place = service
            .published
            .clone()
            .unwrap_or_else(|| service.place.clone());
        finding.saw_at(
            place,
            format!("{} opens a port past the gateway", service.name),
        );
    }
    if past.is_empty() {
        finding.stands(Standing::Ready, "keep every way in behind it")
    } else {
        finding.stands(
            Standing::Partly,
            "close the ports that lead past the gateway",
        )
    }
}

/// Whether the gateway names other services: in its settings, or in configuration that says
/// something.
fn leads_somewhere(compose: &Compose, gateway: &Service, repository: &Repository) -> bool {
    let others = compose
        .services
        .iter()
        .filter(|other| other.name != gateway.name);
    let named = |name: &str| {
        gateway.names.iter().any(|n| n == name)
            || gateway
                .settings
                .iter()
                .any(|(value, _)| crate::compose::mentions(value, name))
    };
    let in_file = |name: &str| {
        repository.tree.texts.iter().any(|file| {
            let path = file.path.to_lowercase();
            GATEWAYS.iter().any(|kind| path.contains(kind))
                && file.path != compose.path
                && !says_nothing(&file.text)
                && crate::compose::mentions(&file.text, name)
        })
    };
    others
        .into_iter()
        .any(|other| named(&other.name) || in_file(&other.name))
}
