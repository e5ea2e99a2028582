//! What was found, as text for people and as one JSON object for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::audit::{Seen, Unread};
use crate::facts::{Facts, OrderStatus};
use crate::rules::{RULES, Violation};

/// Violations that people are shown of one rule; the JSON has all.
const SHOWN: usize = 20;

/// How it ended: the exit code.
pub(crate) fn exit(result: &Result<Seen, Unread>) -> u8 {
    match result {
        Ok(seen) if seen.violations.is_empty() => 0,
        Ok(_) => 1,
        Err(_) => 5,
    }
}

/// The report as one JSON object.
pub(crate) fn json(result: &Result<Seen, Unread>) -> Value {
    let mut report = Map::new();
    report.insert("schema".to_owned(), "shop.audit/1".into());
    match result {
        Err(why) => {
            report.insert("outcome".to_owned(), "unread".into());
            report.insert("reason".to_owned(), why.to_string().into());
        }
        Ok(seen) => {
            let outcome = match seen.violations.len() {
                0 => "holds",
                _ => "violated",
            };
            report.insert("outcome".to_owned(), outcome.into());
            report.insert("at_rest".to_owned(), seen.at_rest.into());
            report.insert("read".to_owned(), read(&seen.facts));
            let rules = RULES.iter().map(|rule| {
                let count = of_rule(seen, rule.name).count();
                json!({"rule": rule.name, "says": rule.says, "violations": count})
            });
            report.insert("rules".to_owned(), rules.collect());
            let violations = seen.violations.iter().map(violation);
            report.insert("violations".to_owned(), violations.collect());
        }
    }
    Value::Object(report)
}

/// How much of everything was read.
fn read(facts: &Facts) -> Value {
    let orders = |status| {
        let of_status = facts.orders.iter().filter(|it| it.status == status);
        of_status.count()
    };
    json!({
        "orders": facts.orders.len(),
        "shipped": orders(OrderStatus::Shipped),
        "cancelled": orders(OrderStatus::Cancelled),
        "under_way": orders(OrderStatus::Pending) + orders(OrderStatus::Confirmed),
        "charges": facts.charges.len(),
        "movements": facts.movements.len(),
        "items": facts.levels.len(),
        "reservations": facts.reservations.len(),
        "shipments": facts.shipments.len(),
        "mails": facts.mails.len(),
        "events": facts.events.len(),
        "keys_sent": facts.sent.as_ref().map(Vec::len),
    })
}

fn violation(violation: &Violation) -> Value {
    json!({
        "rule": violation.rule,
        "ids": violation.ids,
        "figures": [
            {"source": violation.found.source, "says": violation.found.says},
            {"source": violation.wanted.source, "says": violation.wanted.says},
        ],
    })
}

fn of_rule<'s>(seen: &'s Seen, rule: &'s str) -> impl Iterator<Item = &'s Violation> {
    seen.violations.iter().filter(move |it| it.rule == rule)
}

/// The report for people.
pub(crate) fn human(result: &Result<Seen, Unread>) -> String {
    let seen = match result {
        Ok(seen) => seen,
        Err(why) => return format!("nothing can be said: {why}\n"),
    };
    // Writing into a string cannot fail.
    let mut text = String::new();
    for rule in RULES {
        let violations: Vec<_> = of_rule(seen, rule.name).collect();
        if violations.is_empty() {
            continue;
        }
        let _written = writeln!(text, "{}: {}", rule.name, rule.says);
        for violation in violations.iter().take(SHOWN) {
            let _written = writeln!(text, "  {}", line(violation));
        }
        if violations.len() > SHOWN {
            let _written = writeln!(text, "  and {} more", violations.len() - SHOWN);
        }
    }
    let _written = writeln!(text, "{}", summary(seen));
    text
}

fn line(violation: &Violation) -> String {
    let ids = violation.ids.iter();
    let ids: Vec<_> = ids.map(|(kind, id)| format!("{kind} {id}")).collect();
    let (found, wanted) = (&violation.found, &violation.wanted);
    format!(
        "{}: {} {}; {} {}",
        ids.join(", "),
        found.source,
        found.says,
        wanted.source,
        wanted.says
    )
}

fn summary(seen: &Seen) -> String {
    let facts = &seen.facts;
    let ended = facts.orders.iter().filter(|order| order.has_ended());
    let outcome = match seen.violations.len() {
        0 => format!("all {} rules hold", RULES.len()),
        1 => "1 violation".to_owned(),
        count => format!("{count} violations"),
    };
    format!(
        "{} orders ({} ended), {} charges, {} movements of stock, {} shipments, {} mails, \
         {} events: {outcome}",
        facts.orders.len(),
        ended.count(),
        facts.charges.len(),
        facts.movements.len(),
        facts.shipments.len(),
        facts.mails.len(),
        facts.events.len(),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::rules::Figure;

    fn seen(violations: usize) -> Result<Seen, Unread> {
        let figure = |source, says: &str| Figure {
            source,
            says: says.to_owned(),
        };
        let violation = Violation {
            rule: "money-taken-once",
            ids: BTreeMap::from([("order_id", "o-1".to_owned())]),
            found: figure("payments", "nothing taken"),
            wanted: figure("orders", "shipped, 9998 USD paid"),
        };
        Ok(Seen {
            facts: Facts::default(),
            violations: vec![violation; violations],
            at_rest: true,
        })
    }

    #[test]
    fn exit_codes_tell_holds_from_violated_from_unread() {
        assert_eq!(exit(&seen(0)), 0);
        assert_eq!(exit(&seen(1)), 1);
        assert_eq!(exit(&Err(Unread::NoOrder)), 5);
    }

    #[test]
    fn a_violation_is_told_with_its_rule_ids_and_both_figures() {
        let text = human(&seen(1));
        let line = "  order_id o-1: payments nothing taken; orders shipped, 9998 USD paid\n";
        assert!(text.starts_with("money-taken-once: ") && text.contains(line));
        assert!(text.ends_with("1 violation\n"), "{text}");
        let report = json(&seen(1));
        assert_eq!(report["outcome"], "violated");
        assert_eq!(
            report["violations"][0],
            json!({"rule": "money-taken-once", "ids": {"order_id": "o-1"}, "figures": [
                {"source": "payments", "says": "nothing taken"},
                {"source": "orders", "says": "shipped, 9998 USD paid"},
            ]})
        );
    }

    #[test]
    fn people_are_shown_some_of_many_violations_and_programs_all() {
        assert!(human(&seen(25)).contains("and 5 more"));
        let report = json(&seen(25));
        assert_eq!(report["violations"].as_array().unwrap().len(), 25);
    }

    #[test]
    fn what_could_not_be_read_is_no_verdict() {
        let report = json(&Err(Unread::NoOrder));
        assert_eq!(report["outcome"], "unread");
        assert_eq!(report["schema"], "shop.audit/1");
        assert!(human(&Err(Unread::NoOrder)).contains("no order"));
    }
}
