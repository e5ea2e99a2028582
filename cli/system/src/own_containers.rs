//! `network_mode: container:NAME` where NAME is a container of the same files: the service whose it is,
//! is meant. So whoever shares its network starts after it, and anew with it.
//!
//! What must not enter: containers of others, which only an engine knows.

use indexmap::IndexMap;
use serde_json::Value;

use crate::id::{ProjectName, ServiceName};
use crate::model::{Condition, Dependency, Service};
use crate::problem::{Place, Problem, Problems};

/// Lets each of the services name the service, where it names a container of one of them.
pub(crate) fn resolve(
    project: &ProjectName,
    services: &mut IndexMap<ServiceName, Service>,
    problems: &mut Problems,
) {
    let guests: Vec<(ServiceName, ServiceName, Place)> = services
        .values()
        .filter_map(|guest| {
            let field = guest.other_fields.get("network_mode")?;
            let container = field.value.as_str()?.strip_prefix("container:")?;
            let mut all = services.values();
            let host = all.find(|it| first_container(project, it) == container)?;
            Some((guest.name.clone(), host.name.clone(), field.place.clone()))
        })
        .collect();
    for (guest, host, place) in guests {
        if needs(services, &host, &guest) {
            let what = format!(
                "{guest}: `network_mode` names the container of {host}, which waits for it"
            );
            let what = match guest == host {
                true => format!("{guest}: `network_mode` names its own container"),
                false => what,
            };
            let hint = "take it out, or name whose network it is to share";
            problems.push(Problem::error(what).at(place).hint(hint));
            continue;
        }
        let Some(guest) = services.get_mut(&guest) else {
            continue;
        };
        if let Some(field) = guest.other_fields.get_mut("network_mode") {
            field.value = Value::from(format!("service:{host}"));
        }
        let mut known = guest.depends_on.iter_mut();
        match known.find(|it| it.service == host) {
            Some(known) => known.restart = true,
            None => guest.depends_on.push(Dependency {
                service: host,
                condition: Condition::ServiceStarted,
                required: true,
                restart: true,
                place,
            }),
        }
    }
}

/// The name of the container that a service has for itself, or of its first one.
fn first_container(project: &ProjectName, service: &Service) -> String {
    let named = service.other_fields.get("container_name");
    let named = named.and_then(|it| it.value.as_str());
    match named.filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None => format!("{project}-{}-1", service.name),
    }
}

/// Whether `from` is `other`, or needs it before it can start.
fn needs(
    services: &IndexMap<ServiceName, Service>,
    from: &ServiceName,
    other: &ServiceName,
) -> bool {
    let mut seen = vec![from];
    let mut next = 0;
    while let Some(name) = seen.get(next).copied() {
        if name == other {
            return true;
        }
        let on = services.get(name).into_iter().flat_map(|it| &it.depends_on);
        for dependency in on {
            if !seen.contains(&&dependency.service) {
                seen.push(&dependency.service);
            }
        }
        next += 1;
    }
    false
}

#[cfg(test)]
mod tests {
    use crate::load::testing::{load, problems_of};

    #[test]
    fn a_container_of_the_same_files_is_its_service() {
        let system = load(
            "name: shop\nservices:\n  vpn: { image: x, container_name: far }\n  db: { image: x }\n  \
             a: { image: x, network_mode: \"container:far\" }\n  \
             b: { image: x, network_mode: \"container:shop-db-1\" }\n  \
             c: { image: x, network_mode: \"container:other\" }\n",
        )
        .system;
        for (name, mode, host) in [
            ("a", "service:vpn", Some("vpn")),
            ("b", "service:db", Some("db")),
            ("c", "container:other", None),
        ] {
            let service = system.service(name).unwrap();
            assert_eq!(service.other_fields["network_mode"].value, mode);
            let on = service.depends_on.first();
            assert_eq!(on.map(|it| it.service.as_str()), host);
            assert!(on.is_none_or(|it| it.restart));
        }
    }

    #[test]
    fn nobody_shares_the_network_of_who_waits_for_it() {
        for (text, line) in [
            (
                "  a: { image: x, container_name: far, network_mode: \"container:far\" }\n",
                2,
            ),
            (
                "  a: { image: x, container_name: far, depends_on: [b] }\n  b: { image: x, network_mode: \"container:far\" }\n",
                3,
            ),
        ] {
            let told = problems_of(&format!("services:\n{text}"));
            assert!(told.contains("`network_mode` names"), "{told}");
            assert!(told.contains(&format!("compose.yaml:{line}:")), "{told}");
        }
    }
}
