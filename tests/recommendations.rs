//! recommendations, the service that is not Rust: built from its lock file, in both runtimes.

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

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use shop::kafka::{Producer, Publish as _, Record};
use support::{Finished, Runtime, System, finish, http, root, skipped, until};

support::in_both! {
    what_others_bought_besides_is_shown_to_who_is_signed_in,
    killed_it_goes_on_where_it_was_and_repeats_nothing,
    without_python3_venv_up_says_what_to_install,
}

const NEEDED: &str = "python3 with venv (apt-get install python3-venv)";

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The service's folder.
fn folder() -> PathBuf {
    root().join("sample-system/services/recommendations")
}

/// Whether this machine can build it.
fn can_build() -> bool {
    let mut command = Command::new("python3");
    command.args(["-c", "import venv, ensurepip, sqlite3, ssl"]);
    command.output().is_ok_and(|done| done.status.success())
}

/// The service and whom it calls, reached from here.
struct Shelf {
    system: System,
    publisher: tokio::runtime::Runtime,
}

/// One `up` at a time: of builds of one Dockerfile at once the engine's classic builder makes layers
/// that the next build does not find to be its own.
static BUILDER: Mutex<()> = Mutex::new(());

impl Shelf {
    /// Brings it up, alone.
    fn up(system: &System) -> Finished {
        let _alone = BUILDER.lock().unwrap_or_else(PoisonError::into_inner);
        system
            .run(&["up", "-d", "recommendations", "auth"])
            .expect(0)
    }

    /// Boots it; none where this machine cannot build it.
    fn boot(runtime: Runtime) -> Option<Self> {
        if !can_build() {
            skipped(NEEDED);
            return None;
        }
        let open = |service, port| format!("  {service}:\n    ports: !override [\"{port}\"]\n");
        let more = open("recommendations", 8080) + &open("broker", 9092) + &open("auth", 8080);
        let system = System::shop("shelf", &more).on(runtime);
        Self::up(&system);
        let publisher = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        Some(Self {
            system,
            publisher: publisher.unwrap(),
        })
    }

    fn brokers(&self) -> String {
        let url = self.system.url("broker");
        url.rsplit('/').next().unwrap().to_owned()
    }

    /// Signs somebody up and in: the account's id, and its token.
    fn account(&self, name: &str) -> (String, String) {
        let auth = self.system.url("auth");
        let (email, password) = (format!("{name}@shop.example"), "a long password");
        let body = json!({"email": email, "password": password, "name": name});
        let key = [("idempotency-key", name)];
        let (status, account) = http("POST", &format!("{auth}/accounts"), &key, Some(body));
        assert_eq!(status, 201, "{account}");
        let body = json!({"email": email, "password": password});
        let (status, token) = http("POST", &format!("{auth}/tokens"), &[], Some(body));
        assert_eq!(status, 200, "{token}");
        let text = |of: &Value, name: &str| of[name].as_str().unwrap().to_owned();
        (text(&account, "id"), text(&token, "access_token"))
    }

    fn publish(&self, key: &str, payload: &str) {
        let record = Record {
            topic: "orders".to_owned(),
            key: key.to_owned(),
            payload: payload.as_bytes().to_vec(),
            headers: vec![("traceparent".to_owned(), TRACE.to_owned())],
        };
        let brokers = self.brokers();
        self.publisher.block_on(async {
            let producer = Producer::new(&brokers, "test").unwrap();
            producer.publish(&record).await.unwrap();
        });
    }

    /// Tells that an account has bought something, by an event of this version.
    fn bought(&self, version: u32, id: &str, account: &str, sku: &str) {
        let mut data = json!({
            "account_id": account, "sku": sku, "name": "Lamp", "quantity": 1,
            "total": {"amount": 4999, "currency": "USD"},
        });
        if version > 1 {
            data["address"] = json!({"name": "A", "country": "DE"});
        }
        let event = json!({
            "id": id, "type": "ORDER_PLACED", "version": version,
            "time": "2026-11-21T01:02:03.004Z", "order_id": format!("order-{id}"), "data": data,
        });
        self.publish(&format!("order-{id}"), &event.to_string());
    }

    /// What is shown to the owner of a token.
    fn shown(&self, token: &str) -> (u16, Value) {
        let url = format!("{}/recommendations", self.system.url("recommendations"));
        http(
            "GET",
            &url,
            &[("authorization", &format!("Bearer {token}"))],
            None,
        )
    }

    #[track_caller]
    fn until_shown(&self, token: &str, items: &Value) {
        until(&format!("the shelf {items}"), || {
            let (status, said) = self.shown(token);
            (status == 200 && said["items"] == *items).then_some(())
        });
    }

    /// `recommendations dead-letters …`, as a host process beside the system.
    fn dead_letters(&self, words: &[&str]) -> Finished {
        let mut command = Command::new(folder().join(".build/made/bin/recommendations"));
        command.arg("dead-letters").args(words);
        command.env("KAFKA_BROKERS", self.brokers());
        finish(command)
    }
}

fn what_others_bought_besides_is_shown_to_who_is_signed_in(runtime: Runtime) {
    let Some(shelf) = Shelf::boot(runtime) else {
        return;
    };
    let (ada, token) = shelf.account("ada");
    let (ben, other) = shelf.account("ben");
    shelf.bought(1, "1", &ada, "lamp");
    shelf.bought(2, "2", &ben, "lamp");
    shelf.bought(2, "3", &ben, "bulb");
    shelf.until_shown(&token, &json!([{"sku": "bulb", "score": 1}]));
    assert_eq!(shelf.shown(&other), (200, json!({"items": []})));
    let (status, problem) = shelf.shown("nonsense");
    assert_eq!((status, &problem["status"]), (401, &json!(401)));

    // What nobody can read is put aside, with its trace, and what follows goes on.
    shelf.publish("broken", "{");
    let letters = until("a dead letter", || {
        let listed = shelf.dead_letters(&["list"]).expect(0);
        (!listed.stdout.is_empty()).then_some(listed.stdout)
    });
    let letter: Value = serde_json::from_str(&letters).unwrap();
    assert_eq!(
        (&letter["key"], &letter["topic"], &letter["traceparent"]),
        (&json!("broken"), &json!("orders"), &json!(TRACE))
    );
    shelf.dead_letters(&["replay"]).expect(0);
    until("the replayed record to be a letter again", || {
        let listed = shelf.dead_letters(&["list"]).expect(0).stdout;
        (listed.lines().count() == 2).then_some(())
    });
    // As large as the broker takes it: its letter cannot hold it, and names it.
    shelf.publish("large", &"z".repeat(1_040_000));
    let named = |wanted: usize| {
        until(&format!("{wanted} letters that name their record"), || {
            let listed = shelf.dead_letters(&["list"]).expect(0).stdout;
            let lines = listed.lines();
            let all = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
            let own: Vec<Value> = all.filter(|it| it["key"] == "large").collect();
            (own.len() == wanted).then_some(own)
        })
    };
    let letter = named(1).remove(0);
    let parent = &letter["traceparent"];
    assert_eq!((&letter["whole"], parent), (&json!(false), &json!(TRACE)));
    assert_eq!(letter["payload"], "z".repeat(1024));
    shelf.dead_letters(&["replay"]).expect(0);
    assert_eq!(named(2)[1]["digest"], letter["digest"]);
    shelf.bought(2, "4", &ben, "cable");
    let both = json!([{"sku": "bulb", "score": 1}, {"sku": "cable", "score": 1}]);
    shelf.until_shown(&token, &both);

    let logs = shelf.system.run(&["logs", "recommendations"]).expect(0);
    let trace_id = TRACE.split('-').nth(1).unwrap();
    let learnt = |line: &str| line.contains("\"learnt\"") && line.contains(trace_id);
    assert!(logs.stdout.lines().any(learnt), "{}", logs.stdout);

    // The builder finds its image as it was, and so does the process.
    let again = Shelf::up(&shelf.system);
    let (said, told) = (&again.stdout, &again.stderr);
    assert!(said.contains("nothing changed"), "{said}{told}");
    assert!(!told.contains("built"), "{told}");

    // Keys that are known go on while auth is away.
    shelf
        .system
        .run(&["chaos", "kill", "auth", "--", "true"])
        .expect(0);
    shelf.until_shown(&token, &both);
}

fn killed_it_goes_on_where_it_was_and_repeats_nothing(runtime: Runtime) {
    let Some(shelf) = Shelf::boot(runtime) else {
        return;
    };
    let (ada, token) = shelf.account("ada");
    let (ben, _) = shelf.account("ben");
    shelf.bought(1, "1", &ada, "lamp");
    shelf.bought(1, "2", &ben, "lamp");
    shelf.bought(1, "3", &ben, "bulb");
    let bulb = json!([{"sku": "bulb", "score": 1}]);
    shelf.until_shown(&token, &bulb);
    shelf
        .system
        .run(&["chaos", "kill", "recommendations", "--", "true"])
        .expect(0);
    shelf.bought(1, "3", &ben, "bulb");
    shelf.bought(2, "4", &ben, "cable");
    let both = json!([{"sku": "bulb", "score": 1}, {"sku": "cable", "score": 1}]);
    shelf.until_shown(&token, &both);
}

fn without_python3_venv_up_says_what_to_install(runtime: Runtime) {
    let system = System::shop("no-venv", "").on(runtime);
    // The machine's Python as Debian's is without that package.
    let mut asked = Command::new("python3");
    asked.args(["-c", "import sys; print(sys.executable)"]);
    let Ok(real) = asked.output() else {
        return skipped("python3");
    };
    let real = String::from_utf8_lossy(&real.stdout).trim().to_owned();
    let programs = tempfile::tempdir().unwrap();
    let python = programs.path().join("python3");
    let without = "import runpy, sys; sys.modules['ensurepip'] = None; del sys.argv[0]; \
                   runpy.run_path(sys.argv[0], run_name='__main__')";
    let script = format!("#!/bin/sh\nexec '{real}' -c \"{without}\" \"$@\"\n");
    std::fs::write(&python, script).unwrap();
    std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", programs.path().display());
    let system = system.with_variable("PATH", &path);
    let done = system.run(&["up", "-d", "recommendations"]).expect(3);
    assert!(
        done.stderr.contains("install python3-venv"),
        "{}",
        done.stderr
    );
    assert_eq!(system.running(), [""; 0]);
}

#[test]
fn its_own_tests_pass() {
    if !can_build() {
        return skipped(NEEDED);
    }
    let mut build = Command::new("python3");
    build.arg("build.py").current_dir(folder());
    finish(build).expect(0);
    let mut tests = Command::new(folder().join(".build/made/venv/bin/python3"));
    tests.args(["-m", "unittest"]).current_dir(folder());
    finish(tests).expect(0);
}
