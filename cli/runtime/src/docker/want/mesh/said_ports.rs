//! Ports that a service's own settings, command and healthcheck name: `0.0.0.0:8080`, `:8080`,
//! `http://localhost:8080/`, `PORT: 8080`. An edge that is carried for a port that nobody serves
//! refuses, as the service would; without any, calls to the service pass beside the mesh.

use std::collections::BTreeSet;

use msvc_system::model::{HealthTest, Service};

/// Who a service means by itself.
const SELF: [&str; 5] = ["localhost", "127.0.0.1", "0.0.0.0", "[::]", "[::1]"];

/// Settings that hold a port of one's own; `DB_PORT` and its like are another's.
const OWN_KEYS: [&str; 9] = [
    "PORT",
    "APP_PORT",
    "GRPC_PORT",
    "HTTP_PORT",
    "LISTEN_PORT",
    "MANAGEMENT_PORT",
    "METRICS_PORT",
    "SERVER_PORT",
    "SERVICE_PORT",
];

/// All of them.
pub(super) fn of(service: &Service) -> BTreeSet<u16> {
    let mut ports = BTreeSet::new();
    for (key, value) in &service.environment {
        ports.extend(in_text(&value.value));
        if OWN_KEYS.contains(&key.to_ascii_uppercase().as_str()) {
            ports.extend(number(value.value.trim()));
        }
    }
    let test = service.healthcheck.iter().map(|health| &health.test);
    let tests = test.flat_map(|test| match test {
        HealthTest::Command(words) => words.clone(),
        HealthTest::Shell(line) => vec![line.clone()],
    });
    let words = [&service.entrypoint, &service.command];
    let words = words.into_iter().flatten().flatten().cloned();
    for word in words.chain(tests) {
        ports.extend(in_text(&word));
    }
    ports
}

/// The ports behind a colon that names nobody, or the service itself.
fn in_text(text: &str) -> Vec<u16> {
    let colons = text.match_indices(':').map(|(at, _)| at);
    let found = colons.filter_map(|at| {
        let before = text.get(..at)?;
        let after = text.get(at + 1..)?;
        let end = after.find(|c: char| !c.is_ascii_digit());
        let (digits, rest) = after.split_at(end.unwrap_or(after.len()));
        // `1:2:3` is a time, a version or an address of six bytes.
        let goes_on = rest.starts_with([':', '.']);
        let names_nobody = before
            .chars()
            .next_back()
            .is_none_or(|c| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | ',' | '('));
        let is_own = names_nobody || SELF.iter().any(|name| before.ends_with(name));
        (is_own && !goes_on).then(|| number(digits)).flatten()
    });
    found.collect()
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port > 0)
}

#[cfg(test)]
mod tests {
    use super::in_text;

    #[test]
    fn a_port_of_ones_own_is_told_from_others_and_from_other_numbers() {
        for (text, ports) in [
            ("0.0.0.0:6060", &[6060][..]),
            (":7070", &[7070]),
            ("--listen=:7070", &[7070]),
            ("http://localhost:7070/healthz", &[7070]),
            ("curl -f http://127.0.0.1:80 || exit 1", &[80]),
            ("[::]:9000", &[9000]),
            ("tcp://db:5432", &[]),
            ("12:30:00", &[]),
            (":0", &[]),
            (":99999", &[]),
            ("a: 1", &[]),
        ] {
            assert_eq!(in_text(text), ports, "{text}");
        }
    }
}
