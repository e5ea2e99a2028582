//! Bugs that are seeded into the shop on purpose, each found after a fault that shows it: by the
//! auditor, which knows nothing of the switch, or by the counts of an edge or the outcome of an
//! experiment. The same faults on the same load find nothing without a switch.
//!
//! What each scene does and how to play it by hand stands in `docs/how-to/seeded-bugs.md`.

#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    unreachable_pub,
    reason = "a test may fail as loudly as it can"
)]

#[path = "shop_bugs/scenes.rs"]
mod scenes;
mod support;

use std::collections::{BTreeMap, BTreeSet};

use scenes::Scene;
use support::{Audit, Runtime, Shop, System, finish, read, root, shop_services};

support::in_both! {
    the_same_faults_without_a_bug_break_nothing,
    a_consumer_without_deduplication_ships_twice,
    an_event_acknowledged_before_its_work_is_lost_with_its_consumer,
    a_retry_storm_asks_a_dead_catalog_many_times_for_each_request,
}

/// How long an order may take to end.
const WITHIN: &str = "120s";

/// The same for a shop in which one never ends and none is held up by a fault: nobody has to wait
/// longer to know.
const SOON: &str = "20s";

/// How long the auditor lets a shop rest before it believes what does not hold: above the 10 s in
/// which a killed consumer is back.
const SETTLE: &str = "12s";

/// The shop with these bugs.
fn shop(runtime: Runtime, bugs: &str) -> Shop {
    let critical_path = "  orders:\n    environment: { NOTIFICATIONS_URL: \"http://notifications:8080\" }\n    \
         x-msvc: { calls: [notifications] }\n";
    // Orders asks for notifications with one of the bugs only.
    let system = System::shop("bugs", critical_path)
        .on(runtime)
        .with_variable("TEST_MODE", "on")
        .with_variable("SEEDED_BUGS", bugs);
    Shop::boot(system)
}

/// A bug, what shows it, and what the auditor finds then.
struct Hunt {
    bug: &'static str,
    scene: Scene,
    /// How long the auditor lets an order take.
    within: &'static str,
    /// The rules that it finds broken.
    breaks: &'static [&'static str],
    /// Those that the bug may break besides. No other is.
    may_break: &'static [&'static str],
}

impl Hunt {
    /// Plays the scene in a shop that has the bug, beside orders that nothing happens to.
    #[track_caller]
    fn on(&self, runtime: Runtime) {
        let shop = shop(runtime, self.bug);
        scenes::nothing_happens(&shop);
        (self.scene)(&shop);
        let audit = Audit::of(&shop, &["--within", self.within, "--settle", SETTLE]);
        let set = |rules: &[&str]| -> BTreeSet<String> {
            rules.iter().map(|rule| (*rule).to_owned()).collect()
        };
        let (found, breaks) = (audit.rules(), set(self.breaks));
        let allowed = &breaks | &set(self.may_break);
        assert!(
            audit.code == 1 && found.is_superset(&breaks) && found.is_subset(&allowed),
            "{}: wanted {breaks:?}, found {found:?}: {:#}",
            self.bug,
            audit.report
        );
    }
}

#[test]
fn missing_idempotency_makes_two_orders_of_one_key() {
    Hunt {
        bug: "missing-idempotency",
        scene: scenes::a_customer_repeats_a_request_whose_answer_is_late,
        within: WITHIN,
        breaks: &["one-order-for-a-key"],
        may_break: &[],
    }
    .on(Runtime::Processes);
}

fn a_consumer_without_deduplication_ships_twice(runtime: Runtime) {
    Hunt {
        bug: "no-dedup",
        scene: scenes::an_event_is_published_twice,
        within: WITHIN,
        breaks: &["shipped-once"],
        may_break: &[],
    }
    .on(runtime);
}

#[test]
fn an_event_published_before_its_commit_is_lost_with_its_service() {
    Hunt {
        bug: "publish-before-commit",
        scene: scenes::the_broker_is_away_and_orders_dies,
        within: SOON,
        breaks: &["orders-are-told", "every-order-ends", "mailed-once"],
        // What payments and inventory tell of the order waits for the broker too.
        may_break: &["payments-are-told", "stock-is-told"],
    }
    .on(Runtime::Processes);
}

fn an_event_acknowledged_before_its_work_is_lost_with_its_consumer(runtime: Runtime) {
    Hunt {
        bug: "ack-before-handling",
        scene: scenes::notifications_dies_with_an_event_in_hand,
        within: WITHIN,
        breaks: &["mailed-once"],
        may_break: &[],
    }
    .on(runtime);
}

#[test]
fn without_a_refund_a_cancelled_order_keeps_its_money() {
    Hunt {
        bug: "no-refund",
        scene: scenes::payments_answers_after_its_timeout,
        within: WITHIN,
        breaks: &["cancelled-is-refunded"],
        may_break: &[],
    }
    .on(Runtime::Processes);
}

#[test]
fn a_lost_release_keeps_the_units_of_a_cancelled_order() {
    Hunt {
        bug: "lost-release",
        scene: scenes::payments_answers_after_its_timeout,
        within: WITHIN,
        breaks: &["cancelled-is-back-in-stock", "nothing-stays-reserved"],
        may_break: &[],
    }
    .on(Runtime::Processes);
}

#[test]
fn a_charge_retried_under_another_id_is_taken_and_kept() {
    Hunt {
        bug: "retry-non-idempotent",
        scene: scenes::payments_answers_after_its_timeout,
        within: WITHIN,
        breaks: &["cancelled-is-refunded"],
        may_break: &[],
    }
    .on(Runtime::Processes);
}

#[test]
fn without_a_timeout_an_order_waits_for_a_silent_bank_for_ever() {
    Hunt {
        bug: "no-timeout",
        scene: scenes::a_bank_never_answers,
        within: SOON,
        breaks: &["every-order-ends"],
        may_break: &[],
    }
    .on(Runtime::Processes);
}

fn a_retry_storm_asks_a_dead_catalog_many_times_for_each_request(runtime: Runtime) {
    let shop = shop(runtime, "retry-storm");
    let seen = scenes::catalog_is_dead(&shop);
    assert!(seen.calls > 10 * scenes::REQUESTS, "{seen:?}");
}

#[test]
fn without_a_fallback_a_dead_catalog_fails_what_only_shows_it() {
    let shop = shop(Runtime::Processes, "missing-fallback");
    let seen = scenes::catalog_is_dead(&shop);
    assert_eq!((seen.item, seen.home), (503, 503), "{seen:?}");
}

#[test]
fn with_notifications_in_the_critical_path_the_experiment_fails() {
    let shop = shop(Runtime::Processes, "notifications-in-critical-path");
    assert_eq!(scenes::notifications_is_down(&shop), 1);
}

fn the_same_faults_without_a_bug_break_nothing(runtime: Runtime) {
    let shop = shop(runtime, "");
    scenes::nothing_happens(&shop);
    for scene in scenes::ALL {
        scene(&shop);
    }
    let seen = scenes::catalog_is_dead(&shop);
    assert_eq!((seen.item, seen.home), (200, 200), "{seen:?}");
    // Two retries for each, at most a tenth of all calls, and a breaker before that.
    assert!(seen.calls < 2 * scenes::REQUESTS, "{seen:?}");
    assert_eq!(scenes::notifications_is_down(&shop), 0);
    // Consumers were killed more than once: it gets the auditor's own time to settle.
    let audit = Audit::of(&shop, &["--within", WITHIN]);
    assert_eq!(audit.code, 0, "{:#}", audit.report);
}

/// The rows of the table in `docs/how-to/seeded-bugs.md`: a bug and the services that have it.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let text = read(&root().join("docs/how-to/seeded-bugs.md"));
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let row = |row: &str| {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let services = cells[1].split(", ").map(str::to_owned);
        (cells[0].trim_matches('`').to_owned(), services.collect())
    };
    rows.map(row).collect()
}

#[test]
fn each_service_says_at_its_start_which_bugs_it_has() {
    let documented = documented();
    let names: Vec<&str> = documented.keys().map(String::as_str).collect();
    let shop = shop(Runtime::Processes, &names.join(","));
    let mut said: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for service in shop_services() {
        let logs = shop.system.run(&["logs", &service]).expect(0).stdout;
        for bug in &names {
            if logs.contains(&format!("the bug {bug} is seeded here")) {
                let of_bug = said.entry((*bug).to_owned()).or_default();
                of_bug.insert(service.clone());
            }
        }
    }
    assert_eq!(said, documented);
}

#[test]
fn by_hand_the_auditor_is_told_where_the_broker_listens() {
    let shop = shop(Runtime::Processes, "");
    let page = read(&root().join("docs/how-to/seeded-bugs.md"));
    let (_, after) = page.split_once("--kafka $(msvc ps | ").unwrap();
    let (command, _) = after.split_once(") --within").unwrap();
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(format!("echo \"$PS\" | {command}"));
    shell.env("PS", shop.system.run(&["ps"]).expect(0).stdout);
    let told = finish(shell).expect(0).stdout;
    assert_eq!(told.trim(), scenes::brokers(&shop));
}

#[test]
fn every_service_that_has_bugs_refuses_them_outside_test_mode() {
    let having: BTreeSet<String> = documented().into_values().flatten().collect();
    let system = System::shop("bugs", "");
    let built = std::path::Path::new(env!("CARGO_BIN_EXE_msvc"));
    let shelf = "sample-system/services/recommendations/.build/made/bin/recommendations";
    system.up();
    for service in having {
        let program = match service.as_str() {
            "recommendations" => root().join(shelf),
            _ => built.with_file_name(&service),
        };
        let mut command = std::process::Command::new(program);
        command.env_clear().env("SEEDED_BUGS", "no-refund");
        let refused = finish(command);
        assert_ne!(refused.code(), 0, "{service}");
        let said = refused.stdout + &refused.stderr;
        let line = said.lines().find(|line| line.contains("SEEDED_BUGS"));
        let line = line.unwrap_or_else(|| panic!("{service}: {said}"));
        assert!(line.contains("TEST_MODE is on"), "{service}: {line}");
    }
}
