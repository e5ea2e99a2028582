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

use std::collections::BTreeSet;

use scenes::Scene;
use support::{Audit, Runtime, Shop, System};

support::in_both! {
    missing_idempotency_makes_two_orders_of_one_key,
    a_consumer_without_deduplication_ships_twice,
    an_event_published_before_its_commit_is_lost_with_its_service,
    an_event_acknowledged_before_its_work_is_lost_with_its_consumer,
    without_a_refund_a_cancelled_order_keeps_its_money,
    a_lost_release_keeps_the_units_of_a_cancelled_order,
    a_charge_retried_under_another_id_is_taken_and_kept,
    without_a_timeout_an_order_waits_for_a_silent_bank_for_ever,
    a_retry_storm_asks_a_dead_catalog_many_times_for_each_request,
    without_a_fallback_a_dead_catalog_fails_what_only_shows_it,
    with_notifications_in_the_critical_path_the_experiment_fails,
    the_same_faults_without_a_bug_break_nothing,
}

/// How long an order may take to end: above what a killed service and a consumer that has to come
/// back cost one.
const WITHIN: &str = "30s";

/// How long the auditor lets a shop rest before it believes what does not hold: above the 10 s in
/// which a killed consumer is back.
const SETTLE: &str = "12s";

/// The shop with these bugs.
fn shop(runtime: Runtime, bugs: &str) -> Shop {
    let critical_path = "  orders:\n    environment: { NOTIFICATIONS_URL: \"http://notifications:8080\" }\n    \
         x-msvc: { calls: [notifications] }\n";
    let system = System::shop("bugs", critical_path)
        .on(runtime)
        .with_variable("TEST_MODE", "on")
        .with_variable("SEEDED_BUGS", bugs);
    Shop::boot(system)
}

/// Plays a scene in a shop that has `bug`, and what is right besides. The auditor finds the rules
/// `must` broken, and none beside those that `may` be.
#[track_caller]
fn found(runtime: Runtime, bug: &str, scene: Scene, must: &[&str], may: &[&str]) {
    let shop = shop(runtime, bug);
    scenes::nothing_happens(&shop);
    scene(&shop);
    let audit = audit(&shop);
    let set = |rules: &[&str]| -> BTreeSet<String> {
        rules.iter().map(|rule| (*rule).to_owned()).collect()
    };
    let (found, must) = (audit.rules(), set(must));
    let allowed = &must | &set(may);
    assert!(
        audit.code == 1 && found.is_superset(&must) && found.is_subset(&allowed),
        "{bug}: wanted {must:?}, found {found:?}: {:#}",
        audit.report
    );
}

fn audit(shop: &Shop) -> Audit {
    Audit::of(shop, &["--within", WITHIN, "--settle", SETTLE])
}

fn missing_idempotency_makes_two_orders_of_one_key(runtime: Runtime) {
    found(
        runtime,
        "missing-idempotency",
        scenes::a_customer_repeats_a_request_whose_answer_is_late,
        &["one-order-for-a-key"],
        &[],
    );
}

fn a_consumer_without_deduplication_ships_twice(runtime: Runtime) {
    found(
        runtime,
        "no-dedup",
        scenes::an_event_is_published_twice,
        &["shipped-once"],
        &[],
    );
}

fn an_event_published_before_its_commit_is_lost_with_its_service(runtime: Runtime) {
    found(
        runtime,
        "publish-before-commit",
        scenes::the_broker_is_away_and_orders_dies,
        &["orders-are-told", "every-order-ends", "mailed-once"],
        // What payments and inventory tell of the order waits for the broker too.
        &["payments-are-told", "stock-is-told"],
    );
}

fn an_event_acknowledged_before_its_work_is_lost_with_its_consumer(runtime: Runtime) {
    found(
        runtime,
        "ack-before-handling",
        scenes::notifications_dies_with_an_event_in_hand,
        &["mailed-once"],
        &[],
    );
}

fn without_a_refund_a_cancelled_order_keeps_its_money(runtime: Runtime) {
    found(
        runtime,
        "no-refund",
        scenes::payments_answers_after_its_timeout,
        &["cancelled-is-refunded"],
        &[],
    );
}

fn a_lost_release_keeps_the_units_of_a_cancelled_order(runtime: Runtime) {
    found(
        runtime,
        "lost-release",
        scenes::payments_answers_after_its_timeout,
        &["cancelled-is-back-in-stock", "nothing-stays-reserved"],
        &[],
    );
}

fn a_charge_retried_under_another_id_is_taken_and_kept(runtime: Runtime) {
    found(
        runtime,
        "retry-non-idempotent",
        scenes::payments_answers_after_its_timeout,
        &["cancelled-is-refunded"],
        &[],
    );
}

fn without_a_timeout_an_order_waits_for_a_silent_bank_for_ever(runtime: Runtime) {
    found(
        runtime,
        "no-timeout",
        scenes::a_bank_never_answers,
        &["every-order-ends"],
        &["nothing-stays-reserved"],
    );
}

fn a_retry_storm_asks_a_dead_catalog_many_times_for_each_request(runtime: Runtime) {
    let shop = shop(runtime, "retry-storm");
    let seen = scenes::catalog_is_dead(&shop);
    assert!(seen.calls > 10 * scenes::REQUESTS, "{seen:?}");
}

fn without_a_fallback_a_dead_catalog_fails_what_only_shows_it(runtime: Runtime) {
    let shop = shop(runtime, "missing-fallback");
    let seen = scenes::catalog_is_dead(&shop);
    assert_eq!((seen.item, seen.home), (503, 503), "{seen:?}");
}

fn with_notifications_in_the_critical_path_the_experiment_fails(runtime: Runtime) {
    let shop = shop(runtime, "notifications-in-critical-path");
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
    let audit = audit(&shop);
    assert_eq!(audit.code, 0, "{:#}", audit.report);
}
