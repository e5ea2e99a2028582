//! Each rule, broken alone in a shop that is right otherwise.

mod strangers;

use chrono::TimeDelta;
use serde_json::json;

use super::sound::*;
use super::*;
use crate::facts::{ChargeStatus, OrderStatus, ReservationStatus, Sent, ShipmentStatus};

fn judged(facts: &Facts) -> Vec<Violation> {
    judge(facts, at(1000), WITHIN)
}

/// What `broken` finds in a sound shop that `spoil` changed: violations of `rule` alone.
fn alone(rule: Rule, spoil: impl FnOnce(&mut Facts)) -> Vec<Violation> {
    let mut facts = sound();
    spoil(&mut facts);
    let violations = judged(&facts);
    assert!(!violations.is_empty(), "{} was not found broken", rule.name);
    for violation in &violations {
        assert_eq!(violation.rule, rule.name, "{violations:#?}");
    }
    violations
}

fn without_event(facts: &mut Facts, kind: &str, about: &str) {
    let before = facts.events.len();
    facts
        .events
        .retain(|event| event.kind != kind || event.about != about);
    assert!(facts.events.len() < before);
}

#[test]
fn a_shop_that_is_right_breaks_no_rule() {
    assert_eq!(judged(&sound()), []);
    assert!(sound().at_rest(at(3), WITHIN));
}

#[test]
fn every_rule_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = RULES.iter().map(|rule| rule.name).collect();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn a_key_that_was_sent_and_is_no_order() {
    let lost = alone(keys::ONE_ORDER_FOR_A_KEY, |facts| {
        facts.sent.as_mut().unwrap().push(Sent {
            account_id: "ada".to_owned(),
            key: "lost".to_owned(),
            order_id: None,
        });
    });
    assert_eq!(lost[0].ids["key"], "lost");
    assert_eq!(lost[0].found.says, "no order");
}

#[test]
fn a_key_that_is_two_orders() {
    let twice = alone(keys::ONE_ORDER_FOR_A_KEY, |facts| {
        facts.orders[3].key = facts.orders[1].key.clone();
        facts.sent = None;
    });
    assert_eq!(twice[0].found.says, "the orders declined, refused");
}

#[test]
fn a_key_that_was_answered_with_another_order() {
    alone(keys::ONE_ORDER_FOR_A_KEY, |facts| {
        facts.sent.as_mut().unwrap()[0].order_id = Some("another".to_owned());
    });
}

#[test]
fn an_order_that_took_too_long() {
    let late = alone(ended::EVERY_ORDER_ENDS, |facts| {
        facts.orders[0].ended = Some(at(0) + WITHIN + TimeDelta::milliseconds(1));
    });
    assert_eq!(late[0].wanted.says, "ended within 120 s");
}

#[test]
fn an_order_that_never_ends() {
    let mut facts = sound();
    facts.orders.push(Order {
        ended: None,
        ..order("stuck", OrderStatus::Pending, None)
    });
    assert!(!facts.at_rest(at(120), WITHIN));
    assert!(facts.at_rest(at(121), WITHIN));
    let violations = judged(&facts);
    assert_eq!(violations.len(), 1, "{violations:#?}");
    assert_eq!(violations[0].rule, ended::EVERY_ORDER_ENDS.name);
    assert_eq!(judge(&facts, at(120), WITHIN), []);
}

#[test]
fn an_order_that_was_charged_twice() {
    let twice = alone(money::TAKEN_ONCE, |facts| {
        let mut second = charge("shipped", ChargeStatus::Charged);
        second.id = "second charge".to_owned();
        let data = json!({"charge_id": "second charge", "amount": 9998, "currency": "USD"});
        facts.events.push(told("PAYMENT_SETTLED", "shipped", data));
        facts.charges.push(second);
    });
    assert_eq!(twice[0].ids["order_id"], "shipped");
    assert_eq!(
        twice[0].found.says,
        "took 9998 USD (charge of shipped) and 9998 USD (second charge)"
    );
    assert_eq!(twice[0].wanted.says, "shipped, 9998 USD paid");
}

#[test]
fn an_order_that_is_paid_and_was_not_charged() {
    let free = alone(money::TAKEN_ONCE, |facts| {
        facts.charges.remove(0);
        without_event(facts, "PAYMENT_SETTLED", "shipped");
    });
    assert_eq!(free[0].found.says, "nothing taken");
}

#[test]
fn an_order_that_was_charged_another_sum_or_another_account() {
    alone(money::TAKEN_ONCE, |facts| {
        facts.orders[0].total = Some(sum(4999))
    });
    alone(money::TAKEN_ONCE, |facts| {
        facts.charges[0].account_id = Some("eve".to_owned());
    });
}

#[test]
fn money_that_was_taken_for_no_order() {
    alone(money::TAKEN_ONCE, |facts| {
        facts.charges.push(charge("nothing", ChargeStatus::Charged));
        facts.events.push(paid("PAYMENT_SETTLED", "nothing"));
    });
}

#[test]
fn a_cancelled_order_that_was_not_refunded() {
    let kept = alone(money::REFUNDED, |facts| {
        facts.charges[2].status = ChargeStatus::Charged;
        without_event(facts, "PAYMENT_REFUNDED", "unserved");
    });
    assert_eq!(
        kept[0].wanted.says,
        "cancelled (shipment_failed), nothing kept"
    );
}

#[test]
fn a_paid_order_that_took_nothing_from_the_stock() {
    let sold = alone(units::PAID_WITH_STOCK, |facts| {
        moves(facts, 2, Some("shipped"));
    });
    assert_eq!(sold[0].found.says, "moved nothing");
    assert_eq!(sold[0].wanted.says, "shipped, 2 of lamp sold");
    alone(units::PAID_WITH_STOCK, |facts| {
        moves(facts, -2, Some("shipped"))
    });
}

#[test]
fn a_cancelled_order_whose_units_are_gone_or_came_back_twice() {
    let gone = alone(units::BACK_IN_STOCK, |facts| {
        moves(facts, -2, Some("declined"))
    });
    assert_eq!(gone[0].found.says, "moved -2 of lamp");
    alone(units::BACK_IN_STOCK, |facts| {
        moves(facts, 2, Some("unserved"))
    });
    alone(units::BACK_IN_STOCK, |facts| {
        moves(facts, -2, Some("nothing"))
    });
}

#[test]
fn a_reservation_that_stays() {
    let stays = alone(units::NOTHING_RESERVED, |facts| {
        facts.reservations[1].status = ReservationStatus::Reserved;
    });
    assert_eq!(stays[0].found.says, "2 reserved");
    assert_eq!(stays[0].wanted.says, "cancelled");
}

#[test]
fn a_stock_that_was_below_zero() {
    let below = alone(stock::NEVER_BELOW_ZERO, |facts| {
        moves(facts, -20, None);
        moves(facts, 20, None);
    });
    assert_eq!(below[0].found.says, "-10 available at one time");
}

#[test]
fn a_stock_that_its_movements_do_not_make() {
    let lost = alone(stock::ADDS_UP, |facts| {
        facts.levels.insert("lamp".to_owned(), 11);
    });
    assert_eq!(
        (lost[0].found.says.as_str(), lost[0].wanted.says.as_str()),
        ("11 available", "10")
    );
    alone(stock::ADDS_UP, |facts| facts.movements[0].change = 11);
}

#[test]
fn an_order_that_left_twice() {
    let twice = alone(shipments::SHIPPED_ONCE, |facts| {
        facts
            .shipments
            .push(shipment("shipped", ShipmentStatus::Shipped));
        facts
            .events
            .push(told("ITEM_SHIPPED", "shipped", json!({})));
    });
    assert_eq!(twice[0].found.says, "shipped 2 times, failed 0 times");
}

#[test]
fn a_cancelled_order_that_left_or_one_that_is_none() {
    for id in ["declined", "nothing"] {
        alone(shipments::SHIPPED_ONCE, |facts| {
            facts.shipments.push(shipment(id, ShipmentStatus::Shipped));
            facts.events.push(told("ITEM_SHIPPED", id, json!({})));
        });
    }
}

#[test]
fn a_mail_that_is_missing_or_comes_twice_or_belongs_to_nothing() {
    let missing = alone(mails::MAILED_ONCE, |facts| drop(facts.mails.remove(0)));
    assert_eq!(missing[0].found.says, "0 of confirmation");
    assert_eq!(missing[0].wanted.says, "shipped: 1 of confirmation");
    alone(mails::MAILED_ONCE, |facts| {
        facts.mails.push(mail("shipped", "confirmation"))
    });
    alone(mails::MAILED_ONCE, |facts| {
        facts.mails.push(mail("declined", "confirmation"))
    });
    alone(mails::MAILED_ONCE, |facts| {
        facts.mails.push(mail("nothing", "confirmation"))
    });
}

#[test]
fn an_order_that_is_not_told_or_told_twice_or_told_and_not_so() {
    alone(events::ORDERS_TOLD, |facts| {
        without_event(facts, "ORDER_PLACED", "shipped")
    });
    for about in ["shipped", "declined", "nothing"] {
        alone(events::ORDERS_TOLD, |facts| {
            facts.events.push(told("ORDER_PLACED", about, json!({})));
        });
    }
    alone(events::ORDERS_TOLD, |facts| {
        without_event(facts, "ORDER_CANCELLED", "refused")
    });
}

#[test]
fn a_payment_that_is_not_told_or_told_and_not_so_or_told_wrong() {
    alone(events::PAYMENTS_TOLD, |facts| {
        without_event(facts, "PAYMENT_REFUNDED", "unserved")
    });
    alone(events::PAYMENTS_TOLD, |facts| {
        facts.events.push(paid("PAYMENT_SETTLED", "declined"))
    });
    let wrong = alone(events::PAYMENTS_TOLD, |facts| {
        let event = facts
            .events
            .iter_mut()
            .find(|event| event.kind == "PAYMENT_SETTLED");
        event.unwrap().data["amount"] = 1.into();
    });
    assert_eq!(wrong[0].found.says, "PAYMENT_SETTLED of 1 \"USD\"");
}

#[test]
fn a_shipment_that_is_not_told_or_told_and_not_so() {
    alone(events::SHIPMENTS_TOLD, |facts| {
        without_event(facts, "ITEM_SHIPPED", "shipped")
    });
    alone(events::SHIPMENTS_TOLD, |facts| {
        facts
            .events
            .push(told("SHIPMENT_FAILED", "declined", json!({})));
    });
}

#[test]
fn a_movement_that_is_not_told_or_told_otherwise() {
    let lost = alone(events::STOCK_TOLD, |facts| {
        let last = facts
            .events
            .iter()
            .rposition(|event| event.kind == "STOCK_CHANGED");
        facts.events.remove(last.unwrap());
    });
    assert_eq!(lost[0].found.says, "5 changes, the 6. of them to nothing");
    assert_eq!(lost[0].wanted.says, "6 changes, the 6. of them to 10");
    alone(events::STOCK_TOLD, |facts| {
        facts
            .events
            .push(told("STOCK_CHANGED", "chair", json!({"available": 3})));
    });
    alone(events::STOCK_TOLD, |facts| {
        let first = facts
            .events
            .iter_mut()
            .find(|event| event.kind == "STOCK_CHANGED");
        first.unwrap().data["available"] = 13.into();
    });
}
