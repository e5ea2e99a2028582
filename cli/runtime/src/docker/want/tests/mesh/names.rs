//! The names that callers find each callee by.

use super::*;

#[test]
fn names_on_every_common_network_lead_to_the_one_edge_and_own_names_to_oneself() {
    let text = "services:\n  \
        web: {image: x, expose: [80], container_name: front, networks: {a: {aliases: [site]}, b: {}}}\n  \
        db: {image: x, expose: [5432], networks: {a: {aliases: [store, site]}, b: {aliases: [deep]}}}\n\
        networks: {a: {}, b: {}}\n";
    let wanted = want(text, Some(&two("shop_a", "shop_b"))).unwrap();
    let address = edge(&wanted, "web->db:5432").listen.ip();
    let hosts = hosts(&wanted, "web");
    for name in [
        "db",
        "store",
        "deep",
        "deep.shop_b",
        "db.shop_b",
        "db.shop_a",
    ] {
        assert!(
            hosts.contains(&format!("{name}:{address}")),
            "{name}: {hosts:?}"
        );
    }
    assert!(
        !hosts
            .iter()
            .any(|it| it.starts_with("site:") || it.starts_with("front:"))
    );
}

#[test]
fn a_name_that_two_services_share_is_left_to_the_engine_and_told() {
    let text = "services:\n  web: {image: x}\n  \
        one: {image: x, expose: [80], networks: {default: {aliases: [any]}}}\n  \
        two: {image: x, expose: [80], networks: {default: {aliases: [any]}}}\n";
    let wanted = want(text, Some(&mesh("shop_default", "10.9.0.0/24"))).unwrap();
    assert!(
        !hosts(&wanted, "web")
            .iter()
            .any(|it| it.starts_with("any:"))
    );
    let told: Vec<&String> = wanted.warnings.iter().map(|it| &it.what).collect();
    assert!(
        told[0].contains("web: its calls to any, a name that one and two share"),
        "{told:?}"
    );
}

#[test]
fn a_link_is_a_name_that_its_caller_alone_has_and_it_beats_a_service_of_that_name() {
    let text = "services:\n  web: {image: x, links: [\"db:store\"]}\n  other: {image: x}\n  db: {image: x, expose: [80]}\n  store: {image: x, expose: [80]}\n";
    let wanted = want(text, Some(&mesh("shop_default", "10.9.0.0/24"))).unwrap();
    let at = |service: &str, name: &str| {
        let hosts = hosts(&wanted, service).into_iter();
        let mut found = hosts.filter(|it| it.split(':').next() == Some(name));
        let found = (found.next().unwrap(), found.next());
        assert_eq!(found.1, None, "{name} stands once");
        found.0.rsplit(':').next().unwrap().to_owned()
    };
    assert_eq!(at("web", "store"), at("web", "db"));
    assert_ne!(at("other", "store"), at("other", "db"));
}

#[test]
fn an_address_written_into_settings_is_told_as_not_carried() {
    let text = "services:\n  \
        web: {image: x, environment: {DB: \"pg://10.9.0.7:5432/x\"}}\n  \
        db: {image: x, expose: [5432], networks: {default: {ipv4_address: 10.9.0.7}}}\n\
        networks: {default: {ipam: {config: [{subnet: 10.9.0.0/24}]}}}\n";
    let wanted = want(text, Some(&mesh("shop_default", "10.9.0.0/24"))).unwrap();
    let told: Vec<&String> = wanted.warnings.iter().map(|it| &it.what).collect();
    assert!(
        told[0].contains("web: its calls to 10.9.0.7, the address of db that `DB`"),
        "{told:?}"
    );
}
