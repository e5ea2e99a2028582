//! Faults on the running shop: what feels them, what they cost, and that they are undone.

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
use support::shop::GOOD;
use support::{Runtime, Shop, System, alive, kill, until};

support::in_both! {
    an_order_takes_at_least_the_delay_and_the_receipt_names_the_delayed_answer,
    a_delay_above_the_timeout_cancels_the_order_and_refunds_the_late_charge,
    with_notifications_dead_the_order_is_confirmed_and_its_one_mail_comes_after_the_restart,
    a_fault_that_nothing_felt_is_inconclusive_and_an_unknown_edge_is_wrong_usage,
    two_faults_on_one_edge_are_held_at_once_and_add_up,
    the_commands_own_code_is_passed_on,
    a_killed_injector_takes_its_fault_with_it,
    a_killed_injector_takes_its_command_with_it_daemons_too,
    a_kill_is_detected_by_the_first_connection_that_is_refused,
    a_kill_is_felt_by_who_calls_from_outside_too_and_counted,
    a_kill_ends_at_once_with_the_system_that_is_brought_down_meanwhile,
    without_a_restart_policy_a_killed_service_stays_down_and_up_restores_it,
}

fn boot(runtime: Runtime, more: &str) -> Shop {
    Shop::boot(System::shop("faults", more).on(runtime))
}

/// The words of a command that orders two units and ends well when the order has `status`. Name
/// and key of who orders are the item's.
fn order(shop: &Shop, sku: &str, status: &str) -> Vec<String> {
    let script = "import json,sys,time,urllib.request\n\
        url,bearer,body,sku,status=sys.argv[1:]\n\
        headers={'Content-Type':'application/json','Idempotency-Key':'key-'+sku,'Authorization':bearer}\n\
        ask=urllib.request.Request(url,body.encode(),headers)\n\
        since=time.monotonic()\n\
        answer=json.load(urllib.request.urlopen(ask,timeout=30))\n\
        print('ORDER',answer['id'],answer['status'],time.monotonic()-since)\n\
        sys.exit(0 if answer['status'] in status.split('|') else 9)\n";
    let mut words: Vec<String> = ["--", "python3", "-c", script].map(str::to_owned).into();
    let customer = shop.customer(sku);
    let body = support::shop::order(sku, 2, GOOD).to_string();
    words.extend([shop.at("orders"), customer.bearer(), body]);
    words.extend([sku.to_owned(), status.to_owned()]);
    words
}

#[track_caller]
fn run(shop: &Shop, arguments: &[&str], command: &[String]) -> support::Finished {
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    shop.system.run(&[arguments, &command].concat())
}

/// What the order command said: id and seconds.
fn ordered(stdout: &str) -> (String, f64) {
    let line = stdout
        .lines()
        .find(|l| l.starts_with("ORDER"))
        .expect("an order's line");
    let words: Vec<&str> = line.split(' ').collect();
    (words[1].to_owned(), words[3].parse().expect("seconds"))
}

const SLOW: [&str; 6] = [
    "chaos",
    "inject",
    "latency",
    "--edge",
    "orders->payments",
    "--delay",
];

fn an_order_takes_at_least_the_delay_and_the_receipt_names_the_delayed_answer(runtime: Runtime) {
    let shop = boot(runtime, "");
    shop.stock("slow", 12);
    let kept = tempfile::tempdir().unwrap();
    let artifacts = ["--artifacts", kept.path().to_str().unwrap()];
    let arguments = [&SLOW[..], &["300ms"], &artifacts].concat();
    let done = run(
        &shop,
        &arguments,
        &order(&shop, "slow", "confirmed|shipped"),
    )
    .expect(0);
    let (_, seconds) = ordered(&done.stdout);
    assert!(seconds >= 0.3, "{seconds}");
    let said = done.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("felt by 1 connection on orders->payments:8080"),
        "{said}"
    );
    assert_eq!(shop.available("slow"), 10);
    let receipts = support::read(&kept.path().join("receipts.ndjson"));
    let receipt: Value = serde_json::from_str(&receipts).unwrap();
    assert_eq!(receipt["schema"], "msvc.receipt/1");
    assert_eq!(receipt["connections"], 1, "{receipt:#}");
    let logs = std::fs::read_dir(kept.path().join("logs/main")).expect("logs");
    assert!(logs.flatten().any(|it| {
        let of = it.file_name().to_string_lossy().starts_with("orders-");
        of && !support::read(&it.path()).is_empty()
    }));
}

fn a_delay_above_the_timeout_cancels_the_order_and_refunds_the_late_charge(runtime: Runtime) {
    let shop = boot(runtime, "");
    shop.stock("late", 12);
    let arguments = [&SLOW[..], &["3s"]].concat();
    let done = run(&shop, &arguments, &order(&shop, "late", "cancelled")).expect(0);
    let (order, _) = ordered(&done.stdout);
    until("the stock to be back", || {
        (shop.available("late") == 12).then_some(())
    });
    let charges = until("the charge to be undone", || {
        let charges = shop.charges(&order);
        let open = charges
            .as_array()?
            .iter()
            .any(|charge| charge["status"] == "charged");
        (!open).then_some(charges)
    });
    assert_eq!(charges[0]["status"], "refunded", "{charges}");
}

fn with_notifications_dead_the_order_is_confirmed_and_its_one_mail_comes_after_the_restart(
    runtime: Runtime,
) {
    let shop = boot(runtime, "");
    shop.stock("dead", 12);
    let done = run(
        &shop,
        &["chaos", "kill", "notifications"],
        &order(&shop, "dead", "confirmed|shipped"),
    )
    .expect(0);
    assert!(done.stderr.contains("detected after"), "{}", done.stderr);
    let mails = until("the mail", || {
        let mails = shop.mails("dead@example.com", "confirmation");
        (!mails.as_array()?.is_empty()).then_some(mails)
    });
    assert_eq!(mails.as_array().map(Vec::len), Some(1), "{mails}");
}

fn a_fault_that_nothing_felt_is_inconclusive_and_an_unknown_edge_is_wrong_usage(runtime: Runtime) {
    let shop = boot(runtime, "");
    let arguments = [&SLOW[..], &["50ms", "--", "true"]].concat();
    shop.system.run(&arguments).expect(5);
    let wrong = [
        "chaos",
        "inject",
        "latency",
        "--edge",
        "orders->payment",
        "--delay",
        "1s",
    ];
    let done = shop.system.run(&wrong).expect(2);
    assert!(
        done.stderr.contains("orders->payments:8080"),
        "{}",
        done.stderr
    );
}

fn two_faults_on_one_edge_are_held_at_once_and_add_up(runtime: Runtime) {
    let shop = boot(runtime, "");
    let (first, second) = ([&SLOW[..], &["100ms"]].concat(), [&SLOW[..], &["150ms"]]);
    let mut beside = shop.system.start(&first);
    beside.wait_for("latency on orders->payments");
    shop.stock("both", 12);
    let done = run(
        &shop,
        &second.concat(),
        &order(&shop, "both", "confirmed|shipped"),
    );
    let (_, seconds) = ordered(&done.expect(0).stdout);
    assert!(seconds >= 0.25, "{seconds} s");
    beside.signal("INT");
    beside.finish().expect(0);
}

fn the_commands_own_code_is_passed_on(runtime: Runtime) {
    let shop = boot(runtime, "");
    shop.stock("code", 12);
    let arguments = [&SLOW[..], &["20ms"]].concat();
    run(&shop, &arguments, &order(&shop, "code", "never")).expect(9);
}

fn a_killed_injector_takes_its_fault_with_it(runtime: Runtime) {
    let shop = boot(runtime, "");
    let mut injector = shop.system.start(&[&SLOW[..], &["5s"]].concat());
    injector.wait_for("latency on orders->payments");
    kill("KILL", injector.pid());
    let _ = injector.finish();
    shop.stock("free", 12);
    // Were it still there, an order would be cancelled; and the name would be taken.
    until("the fault to be gone", || {
        let done = run(
            &shop,
            &[&SLOW[..], &["1ms"]].concat(),
            &order(&shop, "free", "confirmed|shipped"),
        );
        (done.status.code() == Some(0)).then_some(())
    });
}

fn a_killed_injector_takes_its_command_with_it_daemons_too(runtime: Runtime) {
    let shop = boot(runtime, "");
    let script = "setsid sleep 600 & echo PIDS $$ $! END; exec sleep 600";
    let command = ["--", "sh", "-c", script].map(str::to_owned);
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let mut injector = shop.system.start(&[&SLOW[..], &["1ms"], &words].concat());
    injector.wait_for(" END");
    let said = injector.stdout();
    let line = said.lines().find_map(|line| line.strip_prefix("PIDS "));
    let line = line.and_then(|line| line.strip_suffix(" END"));
    let pids = line
        .expect("pids")
        .split(' ')
        .map(|pid| pid.parse().unwrap());
    let pids: Vec<u32> = pids.collect();
    kill("KILL", injector.pid());
    let _ = injector.finish();
    until("the end of its command", || {
        (!pids.iter().any(|pid| alive(*pid))).then_some(())
    });
}

fn a_kill_is_detected_by_the_first_connection_that_is_refused(runtime: Runtime) {
    let again = "services:\n  shelves: { restart: always }\n";
    let library = System::fixture("library").with_override(again).on(runtime);
    library.up();
    // Nobody holds a connection to the shelves, nor they to anybody, so none ends with them.
    let script = "import sys,urllib.request as r\ntry: r.urlopen(sys.argv[1],timeout=9)\nexcept OSError: pass";
    let book = format!("{}/ada", library.url("desk"));
    let ask = ["--", "python3", "-c", script, book.as_str()];
    let done = library.run(&[&["chaos", "kill", "shelves"], &ask[..]].concat());
    let done = done.expect(0);
    let said = done.stdout + &done.stderr;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("refused") && said.contains("on desk->shelves:9100"),
        "{said}"
    );
}

fn a_kill_is_felt_by_who_calls_from_outside_too_and_counted(runtime: Runtime) {
    let again = "services:\n  desk: { restart: always }\n";
    let library = System::fixture("library").with_override(again).on(runtime);
    library.up();
    // With a limit of time Python waits for the answer beside the connection, which keeps its port.
    let script = "import sys,urllib.request as r\ntry: r.urlopen(sys.argv[1],timeout=9)\nexcept OSError: pass";
    let book = format!("{}/ada", library.url("desk"));
    let ask = ["--", "python3", "-c", script, book.as_str()];
    let done = library.run(&[&["chaos", "kill", "desk"], &ask[..]].concat());
    let done = done.expect(0);
    let said = done.stdout + &done.stderr;
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("refused") && said.contains("on client->desk:"),
        "{said}"
    );
    let ps = library.ps();
    let edges = ps["edges"].as_array().expect("edges");
    let refused = edges.iter().find(|edge| {
        let name = edge["edge"].as_str().unwrap_or_default();
        name.starts_with("client->desk:")
    });
    let refused = refused.map(|edge| &edge["counts"]["refused"]);
    assert_ne!(
        refused.and_then(Value::as_u64).unwrap_or_default(),
        0,
        "{ps:#}"
    );
}

fn a_kill_ends_at_once_with_the_system_that_is_brought_down_meanwhile(runtime: Runtime) {
    let again = "services:\n  desk: { restart: always }\n";
    let library = System::fixture("library").with_override(again).on(runtime);
    library.up();
    // Longer than any test waits.
    let kill = library.start(&["chaos", "kill", "desk", "--down", "3600s"]);
    until("desk to be held down", || {
        let ps = library.ps();
        let mut all = ps["instances"].as_array()?.iter();
        let desk = all.find(|it| it["service"] == "desk")?;
        (desk["health"] == "held down").then_some(())
    });
    library.run(&["down"]).expect(0);
    let done = kill.finish().expect(5);
    let said = done.stdout + &done.stderr;
    assert!(said.contains("the fault ended before its time"), "{said}");
    assert!(!said.contains("restart policy"), "{said}");
    if runtime == Runtime::Containers {
        assert!(
            said.contains("the container of desk was taken away"),
            "{said}"
        );
    }
}

fn without_a_restart_policy_a_killed_service_stays_down_and_up_restores_it(runtime: Runtime) {
    let shop = boot(runtime, "  notifications:\n    restart: \"no\"\n");
    let done = shop
        .system
        .run(&["chaos", "kill", "notifications"])
        .expect(1);
    assert!(done.stderr.contains("restart"), "{}", done.stderr);
    let ps = shop.system.ps();
    let down = ps["instances"]
        .as_array()
        .and_then(|all| all.iter().find(|i| i["service"] == "notifications"));
    assert_eq!(down.map(|i| &i["health"]), Some(&json!("exited")), "{ps:#}");
    shop.system.up();
    let ps = shop.system.ps();
    let pid = ps["instances"]
        .as_array()
        .and_then(|all| all.iter().find(|i| i["service"] == "notifications"))
        .and_then(|i| i["pid"].as_u64());
    assert!(
        pid.and_then(|pid| u32::try_from(pid).ok())
            .is_some_and(alive),
        "{ps:#}"
    );
}
