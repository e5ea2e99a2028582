//! Journeys on the running shop, many at once, and the trace they leave at every hop.

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

use serde_json::json;
use support::shop::{GOOD, order};
use support::{Runtime, Shop, System, until};

support::in_both! {
    twenty_runs_of_every_journey_interleave_on_the_same_data_and_all_hold,
    the_status_of_a_command_is_the_outcome_of_its_journey,
    traceparent_and_baggage_are_the_same_at_every_hop,
    the_line_that_repeats_a_play_names_the_file_it_was_given_and_does_repeat_it,
}

/// What customers do; the audit, which looks at all of it, is played beside them once.
const JOURNEYS: [&str; 7] = [
    "browse",
    "checkout",
    "declined",
    "out-of-stock",
    "shipment-fails",
    "duplicate-submit",
    "track-shipment",
];

fn twenty_runs_of_every_journey_interleave_on_the_same_data_and_all_hold(runtime: Runtime) {
    let system = System::shop("journeys", "").on(runtime);
    system.up();
    system.run(&["journey", "run"]).expect(0);
    let every = [&["journey", "run", "--times", "20"], &JOURNEYS[..]].concat();
    let done = system.run(&every).expect(0);
    assert!(done.stdout.contains("held (140 held"), "{}", done.stdout);
    let wrong = system.run(&["journey", "run", "chekout"]).expect(2);
    assert!(
        wrong.stderr.contains("did you mean `checkout`?"),
        "{}",
        wrong.stderr
    );
}

fn the_status_of_a_command_is_the_outcome_of_its_journey(runtime: Runtime) {
    let system = System::compose(
        "services: { web: { image: x } }\nx-msvc:\n  journeys:\n    - { name: good, command: [\"true\"] }\n    - { name: bad, command: [\"sh\", \"-c\", \"echo why; exit 3\"] }\n",
    )
    .on(runtime);
    let at = ["--url", "http://127.0.0.1:1"];
    system
        .run(&[&["journey", "run", "good"], &at[..]].concat())
        .expect(0);
    let done = system
        .run(&[&["journey", "run", "bad"], &at[..]].concat())
        .expect(1);
    assert!(done.stderr.contains("why"), "{}", done.stderr);
}

fn traceparent_and_baggage_are_the_same_at_every_hop(runtime: Runtime) {
    let shop = Shop::boot(System::shop("trace", "").on(runtime));
    let customer = shop.customer("hop");
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    // As much as the gateway lets in.
    let baggage = format!("{:v<8192}", "msvc=r.s.7,tenant=north%20west,more=");
    let headers = [("traceparent", trace), ("baggage", baggage.as_str())];
    shop.stock_with("hop", 3, &headers);
    let (status, order) = customer.orders("trace-1", &order("hop", 1, GOOD), &headers);
    assert_eq!(
        (status, &order["status"]),
        (201, &json!("confirmed")),
        "{order}"
    );
    let events = format!("orders/{}/events", order["id"].as_str().unwrap());
    let (_, events) = customer.get(&events);
    for event in events.as_array().unwrap() {
        assert_eq!(
            (&event["traceparent"], &event["baggage"]),
            (&json!(trace), &json!(baggage)),
            "{event}"
        );
    }
    for kind in ["confirmation", "shipment"] {
        let mail = until("the mail", || {
            shop.mails(&customer.email, kind).get(0).cloned()
        });
        assert_eq!(
            (&mail["traceparent"], &mail["baggage"]),
            (&json!(trace), &json!(baggage)),
            "{mail}"
        );
    }
    // Every service on the way wrote both into its log, as they came.
    for service in [
        "gateway",
        "catalog",
        "inventory",
        "orders",
        "payments",
        "shipping",
        "notifications",
        "mailbox",
    ] {
        until(&format!("the trace in the log of {service}"), || {
            let logs = shop.system.run(&["logs", service]).expect(0).stdout;
            (logs.contains(trace) && logs.contains(&baggage)).then_some(())
        });
    }
}

fn the_line_that_repeats_a_play_names_the_file_it_was_given_and_does_repeat_it(runtime: Runtime) {
    let system = System::fixture("library").on(runtime);
    system.up();
    let file = system.directory.join("journeys/lending.arazzo.yaml");
    let file = file.to_str().unwrap();
    let done = system.run(&["journey", "run", file]).expect(1);
    let again = done
        .stderr
        .lines()
        .find_map(|line| line.trim().strip_prefix("again: msvc "))
        .unwrap_or_else(|| panic!("no line that repeats it in\n{}", done.stderr));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_msvc"));
    command.args(again.split(' ')).envs(system.environment());
    let second = support::finish(command).expect(1);
    assert!(
        second.stderr.contains("FAILED  pay-a-fine"),
        "{}",
        second.stderr
    );
}
