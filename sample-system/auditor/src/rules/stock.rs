//! Inventory against itself: what it did to the stock, and what it says can be sold.

use std::collections::BTreeMap;

use super::{Books, Found, Rule};

pub(super) const NEVER_BELOW_ZERO: Rule = Rule {
    name: "stock-never-below-zero",
    says: "at no time was less than nothing in stock",
    check: never_below_zero,
};

pub(super) const ADDS_UP: Rule = Rule {
    name: "stock-adds-up",
    says: "what can be sold is what all movements make of it",
    check: adds_up,
};

fn never_below_zero(books: &Books<'_>, found: &mut Found) {
    let moved = books.facts.movements.iter();
    let moved = moved.map(|movement| (movement.sku.as_str(), movement.available));
    let levels = books.facts.levels.iter();
    let levels = levels.map(|(sku, level)| (sku.as_str(), *level));
    let mut least: BTreeMap<&str, i64> = BTreeMap::new();
    for (sku, available) in moved.chain(levels) {
        let least = least.entry(sku).or_insert(available);
        *least = available.min(*least);
    }
    for (sku, least) in least.into_iter().filter(|(_, least)| *least < 0) {
        found.add(
            &[("sku", sku)],
            ("inventory", format!("{least} available at one time")),
            ("the rule", "0 or more".to_owned()),
        );
    }
}

fn adds_up(books: &Books<'_>, found: &mut Found) {
    // Wider than what is added up, so that no list makes it overflow.
    let mut sums: BTreeMap<&str, i128> = BTreeMap::new();
    for movement in &books.facts.movements {
        let sum = sums.entry(&movement.sku).or_default();
        *sum += i128::from(movement.change);
        if *sum != i128::from(movement.available) {
            let (change, available) = (movement.change, movement.available);
            found.add(
                &[("sku", &movement.sku)],
                ("movements", format!("{change:+} made it {available}")),
                ("their sum", sum.to_string()),
            );
            // Told once: what follows is compared with what was said.
            *sum = available.into();
        }
    }
    for (sku, level) in &books.facts.levels {
        let sum = sums.get(sku.as_str()).copied().unwrap_or_default();
        if sum != i128::from(*level) {
            found.add(
                &[("sku", sku)],
                ("the stock", format!("{level} available")),
                ("movements", sum.to_string()),
            );
        }
    }
}
