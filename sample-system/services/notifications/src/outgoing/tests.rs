//! Mails that wait, on a database in memory.

use super::*;

fn open() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    connection
}

fn letter(order: &str, kind: &str) -> Letter {
    Letter {
        order_id: order.into(),
        kind: kind.into(),
        subject: "s".into(),
        body: "b".into(),
        trace: TraceContext::default(),
    }
}

fn put_address(connection: &Connection, email: &str, revision: u64) {
    let account = AccountChanged {
        email: email.into(),
        name: "Ann".into(),
        role: "customer".into(),
        revision,
    };
    super::put_address(connection, "a-1", &account).unwrap();
}

fn add(connection: &Connection, order: &str, kind: &str) {
    let record = Record {
        topic: "orders".into(),
        key: order.into(),
        payload: Vec::new(),
        headers: Vec::new(),
    };
    let (partition, offset) = (0, 7);
    let delivery = Delivery {
        record,
        partition,
        offset,
    };
    super::add(connection, &letter(order, kind), "a-1", &delivery, at(0)).unwrap();
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn held(connection: &Connection, holder: &str, seconds: i64) -> Vec<String> {
    let held = hold(connection, holder, at(seconds), 10).unwrap();
    let text = |mail: &Held| {
        format!(
            "{} {} {}",
            mail.letter.order_id, mail.letter.kind, mail.email
        )
    };
    held.iter().map(text).collect()
}

#[test]
fn a_mail_whose_address_has_not_come_waits_for_it_and_is_not_dropped() {
    let connection = open();
    add(&connection, "o-1", "confirmation");
    assert!(held(&connection, "one", 0).is_empty());
    assert_eq!(next_due(&connection).unwrap(), None);
    put_address(&connection, "ann@example.org", 1);
    assert_eq!(next_due(&connection).unwrap(), Some(at(0)));
    assert_eq!(
        held(&connection, "one", 0),
        ["o-1 confirmation ann@example.org"]
    );
}

#[test]
fn of_two_addresses_the_later_one_holds_whichever_comes_first() {
    for order in [[1, 2], [2, 1]] {
        let connection = open();
        for revision in order {
            let email = format!("r{revision}@example.org");
            put_address(&connection, &email, revision);
        }
        add(&connection, "o-1", "shipment");
        assert_eq!(held(&connection, "one", 0), ["o-1 shipment r2@example.org"]);
    }
}

#[test]
fn a_mail_waits_behind_an_earlier_one_of_its_order_and_of_no_other() {
    let connection = open();
    put_address(&connection, "a@b", 1);
    for (order, kind) in [
        ("o-1", "confirmation"),
        ("o-1", "shipment"),
        ("o-2", "shipment"),
    ] {
        add(&connection, order, kind);
    }
    let first = hold(&connection, "one", at(0), 10).unwrap();
    assert_eq!(first.len(), 2);
    assert!(held(&connection, "one", 0).is_empty());
    sent(&connection, &first[0], at(1)).unwrap();
    assert_eq!(held(&connection, "one", 1), ["o-1 shipment a@b"]);
}

#[test]
fn a_mail_that_is_held_is_nobody_elses_until_its_time_is_up() {
    let connection = open();
    put_address(&connection, "a@b", 1);
    add(&connection, "o-1", "confirmation");
    let late = hold(&connection, "one", at(0), 10).unwrap();
    assert!(held(&connection, "two", 9).is_empty());
    assert_eq!(held(&connection, "two", 10).len(), 1);
    // The first, awake again, cannot take it from the second.
    put_off(&connection, &late[0], "one", at(10)).unwrap();
    assert!(held(&connection, "three", 11).is_empty());
}

#[test]
fn a_mail_that_did_not_go_is_tried_again_later_and_later_but_within_two_seconds() {
    let connection = open();
    put_address(&connection, "a@b", 1);
    add(&connection, "o-1", "confirmation");
    let mut now = at(0);
    let mut waits = Vec::new();
    for _ in 0..7 {
        let mail = hold(&connection, "one", now, 1).unwrap().remove(0);
        put_off(&connection, &mail, "one", now).unwrap();
        let due = next_due(&connection).unwrap().unwrap();
        waits.push((due - now).num_milliseconds());
        now = due;
    }
    assert_eq!(waits, [100, 200, 400, 800, 1600, 2000, 2000]);
}

#[test]
fn an_order_has_one_mail_of_a_kind_also_after_it_was_sent() {
    let connection = open();
    put_address(&connection, "a@b", 1);
    for _ in 0..2 {
        add(&connection, "o-1", "confirmation");
        for mail in hold(&connection, "one", at(0), 10).unwrap() {
            sent(&connection, &mail, at(0)).unwrap();
        }
    }
    let count = "SELECT count(*) FROM mail";
    let count: u32 = connection.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1);
    assert_eq!(waiting(&connection).unwrap(), 0);
}

#[test]
fn mails_are_forgotten_thirty_days_after_they_left_and_waiting_ones_never() {
    let connection = open();
    put_address(&connection, "a@b", 1);
    add(&connection, "o-1", "confirmation");
    add(&connection, "o-2", "confirmation");
    let mails = hold(&connection, "one", at(0), 1).unwrap();
    sent(&connection, &mails[0], at(0)).unwrap();
    let day = 86_400;
    assert_eq!(prune(&connection, at(30 * day)).unwrap(), 0);
    assert_eq!(prune(&connection, at(30 * day + 1)).unwrap(), 1);
    assert_eq!(waiting(&connection).unwrap(), 1);
}
