//! A caller waits longer than its callee takes: the defaults, and what `compose.yaml` sets in
//! their place, held against each other.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failed step of a test ends it"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use shop::config::Settings;
use shop::timeouts;

#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(default)]
    environment: BTreeMap<String, serde_yaml::Value>,
    stop_grace_period: Option<String>,
}

impl Compose {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose.yaml");
        serde_yaml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    }

    /// What `service` has for the setting `name`, as the service itself reads it.
    fn setting(&self, service: &str, name: &str, default: Duration) -> Duration {
        let set = self.services[service].environment.get(name);
        let text = set.map(|value| value.as_str().expect("a text").to_owned());
        let mut settings = Settings::new(text.map(|text| (name.to_owned(), text)));
        settings.duration_or(name, default).expect("a duration")
    }

    fn grace(&self, service: &str) -> Duration {
        // Compose waits ten seconds where nothing is said.
        let text = self.services[service].stop_grace_period.clone();
        let pair = ("GRACE".to_owned(), text.unwrap_or_else(|| "10s".to_owned()));
        Settings::new([pair])
            .duration_or("GRACE", Duration::ZERO)
            .unwrap()
    }
}

#[test]
fn a_caller_waits_longer_than_its_callee_takes() {
    let compose = Compose::read();
    let gateway = |name, default| compose.setting("gateway", name, default);
    let orders = |name, default| compose.setting("orders", name, default);
    let answer = orders("ANSWER_WITHIN", timeouts::ANSWER_WITHIN);
    assert!(gateway("ORDERS_TIMEOUT", timeouts::ORDERS_TIMEOUT) > answer);
    for (name, default) in [
        ("CATALOG_TIMEOUT", timeouts::CATALOG_TIMEOUT),
        ("INVENTORY_TIMEOUT", timeouts::INVENTORY_TIMEOUT),
        ("PAYMENTS_TIMEOUT", timeouts::PAYMENTS_TIMEOUT),
    ] {
        assert!(answer > orders(name, default), "{name}");
    }
}

#[test]
fn no_part_of_the_home_page_is_waited_for_longer_than_its_service_is_elsewhere() {
    let compose = Compose::read();
    let gateway = |name, default| compose.setting("gateway", name, default);
    let home = gateway("HOME_TIMEOUT", timeouts::HOME_TIMEOUT);
    assert!(home <= gateway("UPSTREAM_TIMEOUT", timeouts::UPSTREAM_TIMEOUT));
    assert!(home <= gateway("AUTH_TIMEOUT", timeouts::AUTH_TIMEOUT));
}

#[test]
fn a_service_that_is_asked_to_stop_has_time_for_the_longest_call_in_hand() {
    let compose = Compose::read();
    let longest = compose.setting("gateway", "ORDERS_TIMEOUT", timeouts::ORDERS_TIMEOUT);
    assert!(compose.grace("gateway") > longest);
    let answer = compose.setting("orders", "ANSWER_WITHIN", timeouts::ANSWER_WITHIN);
    assert!(compose.grace("orders") > answer);
}
