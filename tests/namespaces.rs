//! Which services of a file run, and who shares whose network: `profiles`, `network_mode: service:X`.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

mod support;

use serde_json::{Value, json};
use support::{Runtime, System, http, runs, until};

support::in_both! {
    a_guest_in_anothers_network_shares_its_localhost_its_ports_and_its_edges,
    a_guest_is_heard_again_after_whoever_has_the_network_was_killed,
    a_service_with_profiles_runs_only_where_one_of_them_is_asked_for,
}

/// Answers its name, and at `/next` also what the one at `NEXT` answers.
const SERVE: &str = r#"
import http.server, os, urllib.request

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        said = os.environ["NAME"]
        if self.path == "/next":
            with urllib.request.urlopen(os.environ["NEXT"], timeout=10) as answer:
                said += " " + answer.read().decode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

host, _, port = os.environ["LISTEN"].rpartition(":")
http.server.ThreadingHTTPServer((host, int(port)), Handler).serve_forever()
"#;

/// A system of services that play [`SERVE`].
fn serving(runtime: Runtime, services: &[(&str, &str)]) -> System {
    let words = "[\"python3\", \"/play/serve.py\"]";
    let mut text = "services:\n".to_owned();
    for (name, lines) in services {
        text += &format!(
            "  {name}:\n{}    volumes: [\"./play:/play:ro\"]\n{lines}",
            runs(words, "port: LISTEN,")
        );
    }
    let system = System::compose(&text).on(runtime);
    std::fs::create_dir(system.directory.join("play")).unwrap();
    std::fs::write(system.directory.join("play/serve.py"), SERVE).unwrap();
    system
}

/// Where the host reaches a service's port.
fn entry(up: &Value, service: &str, port: u16) -> String {
    let mut entries = up["entries"].as_array().unwrap().iter();
    let found = entries.find(|it| it["service"] == service && it["port"] == port);
    let url = found.unwrap_or_else(|| panic!("no {service}:{port} in {up:#}"));
    url["url"].as_str().unwrap().to_owned()
}

fn a_guest_in_anothers_network_shares_its_localhost_its_ports_and_its_edges(runtime: Runtime) {
    let system = serving(
        runtime,
        &[
            // It stands before the one whose network it shares.
            (
                "a-guest",
                "    network_mode: \"service:front\"\n    environment: { NAME: guest, LISTEN: \"0.0.0.0:9090\", NEXT: \"http://far:8080/\" }\n",
            ),
            (
                "front",
                "    ports: [\"8080\", \"9090\"]\n    environment: { NAME: front, LISTEN: \"0.0.0.0:8080\", NEXT: \"http://localhost:9090/next\" }\n",
            ),
            (
                "far",
                "    ports: [\"8080\"]\n    environment: { NAME: far, LISTEN: \"0.0.0.0:8080\", NEXT: \"http://front:9090/\" }\n",
            ),
        ],
    );
    let up = system.run(&["up", "-d", "--format", "json"]).expect(0);
    let up = up.json();
    for (service, port, said) in [
        ("front", 8080, "front guest far"),
        ("front", 9090, "guest far"),
        ("far", 8080, "far guest"),
    ] {
        let url = format!("{}/next", entry(&up, service, port));
        until(said, || {
            (http("GET", &url, &[], None) == (200, json!(said))).then_some(())
        });
    }
    let ps = system.ps();
    let counted = |edge: &str| {
        let mut edges = ps["edges"].as_array().unwrap().iter();
        let found = edges.find(|it| it["edge"] == edge);
        found.map(|it| it["counts"]["connections"].as_u64().unwrap())
    };
    for edge in ["front->far:8080", "far->front:9090", "client->front:9090"] {
        assert!(
            counted(edge).is_some_and(|calls| calls > 0),
            "{edge}: {ps:#}"
        );
    }
    let edges = ps["edges"].as_array().unwrap().iter();
    let of_the_guest = |it: &&Value| it["edge"].as_str().unwrap().contains("guest");
    assert_eq!(edges.filter(of_the_guest).count(), 0, "{ps:#}");
}

fn a_guest_is_heard_again_after_whoever_has_the_network_was_killed(runtime: Runtime) {
    let system = serving(
        runtime,
        &[
            (
                "guest",
                "    network_mode: \"service:front\"\n    environment: { NAME: guest, LISTEN: \"0.0.0.0:9090\" }\n",
            ),
            (
                "front",
                "    restart: always\n    ports: [\"8080\"]\n    environment: { NAME: front, LISTEN: \"0.0.0.0:8080\", NEXT: \"http://localhost:9090/\" }\n",
            ),
        ],
    );
    let up = system.run(&["up", "-d", "--format", "json"]).expect(0);
    let url = format!("{}/next", entry(&up.json(), "front", 8080));
    let both = || (http("GET", &url, &[], None) == (200, json!("front guest"))).then_some(());
    until("both before", both);
    system.run(&["chaos", "kill", "front", "--", "true"]);
    until("both after", both);
}

fn a_service_with_profiles_runs_only_where_one_of_them_is_asked_for(runtime: Runtime) {
    let environment = "    environment: { NAME: x, LISTEN: \"0.0.0.0:8080\" }\n";
    let profiled = format!("    profiles: [extra, more]\n{environment}");
    let system = serving(
        runtime,
        &[("always", environment), ("sometimes", &profiled)],
    );
    let running = || -> Vec<String> {
        let ps = system.ps();
        let all = ps["instances"].as_array().unwrap().iter();
        let running = all.filter(|it| it["health"] != "exited");
        let mut names: Vec<String> = running
            .map(|it| it["service"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    system.up();
    assert_eq!(running(), ["always"]);
    system.run(&["up", "-d", "--profile", "other"]).expect(0);
    assert_eq!(running(), ["always"]);
    system.run(&["up", "-d", "--profile", "more"]).expect(0);
    assert_eq!(running(), ["always", "sometimes"]);
    system.run(&["down"]).expect(0);
    assert_eq!(system.left(), Vec::<String>::new());
    // Who is named runs, whatever its profiles.
    system.run(&["up", "-d", "sometimes"]).expect(0);
    assert_eq!(running(), ["sometimes"]);
}
