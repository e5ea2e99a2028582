//! The rules: what must hold between sources that do not ask each other. Deciding only: facts come
//! in, violations leave; nothing is read and nothing waits here.

mod ended;
mod events;
mod keys;
mod mails;
mod money;
mod shipments;
mod stock;
mod units;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::facts::{Charge, Facts, Order};

/// A rule.
#[derive(Clone, Copy)]
pub(crate) struct Rule {
    /// Its name in reports.
    pub(crate) name: &'static str,
    /// What must hold.
    pub(crate) says: &'static str,
    check: fn(&Books<'_>, &mut Found),
}

/// Every rule, in the order in which they are told.
pub(crate) const RULES: &[Rule] = &[
    keys::ONE_ORDER_FOR_A_KEY,
    ended::EVERY_ORDER_ENDS,
    money::TAKEN_ONCE,
    money::REFUNDED,
    units::PAID_WITH_STOCK,
    units::BACK_IN_STOCK,
    units::NOTHING_RESERVED,
    stock::NEVER_BELOW_ZERO,
    stock::ADDS_UP,
    shipments::SHIPPED_ONCE,
    mails::MAILED_ONCE,
    events::ORDERS_TOLD,
    events::PAYMENTS_TOLD,
    events::SHIPMENTS_TOLD,
    events::STOCK_TOLD,
];

/// Where a rule does not hold: about what, and what each of two sources says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The rule.
    pub(crate) rule: &'static str,
    /// What it is about: a kind of id, and the id.
    pub(crate) ids: BTreeMap<&'static str, String>,
    /// What the first source says.
    pub(crate) found: Figure,
    /// What the other says, or what must be.
    pub(crate) wanted: Figure,
}

/// What a source says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Figure {
    /// The source.
    pub(crate) source: &'static str,
    /// What it says.
    pub(crate) says: String,
}

/// Collects violations of one rule.
struct Found {
    rule: &'static str,
    violations: Vec<Violation>,
}

impl Found {
    fn add(
        &mut self,
        ids: &[(&'static str, &str)],
        found: (&'static str, String),
        wanted: (&'static str, String),
    ) {
        let figure = |(source, says)| Figure { source, says };
        self.violations.push(Violation {
            rule: self.rule,
            ids: ids
                .iter()
                .map(|(kind, id)| (*kind, (*id).to_owned()))
                .collect(),
            found: figure(found),
            wanted: figure(wanted),
        });
    }
}

/// The facts with what most rules look up in them.
struct Books<'f> {
    facts: &'f Facts,
    now: DateTime<Utc>,
    within: Duration,
    orders: HashMap<&'f str, &'f Order>,
    charges: HashMap<&'f str, Vec<&'f Charge>>,
}

impl<'f> Books<'f> {
    fn new(facts: &'f Facts, now: DateTime<Utc>, within: Duration) -> Self {
        let mut charges: HashMap<&str, Vec<&Charge>> = HashMap::new();
        for charge in &facts.charges {
            let order = charge.order_id.as_deref().unwrap_or_default();
            charges.entry(order).or_default().push(charge);
        }
        let orders = facts.orders.iter();
        Self {
            facts,
            now,
            within,
            orders: orders.map(|order| (order.id.as_str(), order)).collect(),
            charges,
        }
    }

    fn charges_of(&self, order: &str) -> &[&'f Charge] {
        self.charges.get(order).map_or(&[], Vec::as_slice)
    }
}

/// Every violation in `facts` at the time `now`, where an order has `within` to end.
pub(crate) fn judge(facts: &Facts, now: DateTime<Utc>, within: Duration) -> Vec<Violation> {
    let books = Books::new(facts, now, within);
    let of_rule = |rule: &Rule| {
        let mut found = Found {
            rule: rule.name,
            violations: Vec::new(),
        };
        (rule.check)(&books, &mut found);
        found.violations
    };
    RULES.iter().flat_map(of_rule).collect()
}

#[cfg(test)]
mod sound;
#[cfg(test)]
mod tests;
