//! An order whose saga cannot go on, and everybody else's.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::shop::{Customer, DECLINED, GOOD, order};
use crate::support::{Runtime, Sent, Shop, http, inside, skipped, until};
use crate::{SHOP, ended};

/// What inventory cannot do while this is there: give back units of the item `poison`.
struct Poison(PathBuf);

impl Poison {
    fn put_into(database: PathBuf) -> Self {
        let trigger = "CREATE TRIGGER poison BEFORE UPDATE ON reservation \
            WHEN OLD.sku = 'poison' AND NEW.status = 'released' \
            BEGIN SELECT RAISE(ABORT, 'poisoned'); END";
        inside::alter(&database, trigger).expect(0);
        Self(database)
    }
}

impl Drop for Poison {
    /// Also where the test fails: others use the shop after it.
    fn drop(&mut self) {
        let _gone = inside::alter(&self.0, "DROP TRIGGER poison");
    }
}

/// A figure that orders tells, 0 where it tells nothing of it yet.
fn figure(shop: &Shop, series: &str) -> u64 {
    let at = shop.system.url_of("orders", 8080);
    let (status, text) = http("GET", &format!("{at}/metrics"), &[], None);
    assert_eq!(status, 200, "{text}");
    let text = text.as_str().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    line.map_or(0, |number| number.trim().parse().unwrap())
}

const FAILED: &str = "calls_total{peer=\"inventory\",outcome=\"failed\"}";
const KEPT_BACK: &str = "calls_total{peer=\"inventory\",outcome=\"open\"}";
const OPENED: &str = "circuit_breaker_changes_total{peer=\"inventory\",state=\"open\"}";
const FAILING: &str = "resource_waiting{resource=\"sagas_failing\"}";

/// How many orders cannot go on: each fails once at least, and ten failures can open a breaker.
const STUCK: usize = 12;

/// By then each of them has failed a second time, or some more often.
const OFTEN: u64 = 2 * STUCK as u64;

/// What was answered.
type Answer = (u16, Value);

/// Orders whose units cannot come back, and once inventory has failed often, of each of the others
/// one order, straight after inventory failed once more and nobody else asked it for anything.
fn in_a_quiet_shop(
    shop: &Shop,
    poisoned: &[Customer],
    others: &[Customer],
) -> (Vec<Answer>, Vec<Answer>) {
    let failed = figure(shop, FAILED);
    std::thread::scope(|scope| {
        let stuck = poisoned.iter().map(|customer| {
            let declined = order("poison", 2, DECLINED);
            scope.spawn(move || customer.orders("poisoned", &declined, &[]))
        });
        let stuck: Vec<_> = stuck.collect();
        until("inventory to have failed often", || {
            (figure(shop, FAILED) >= failed + OFTEN).then_some(())
        });
        let went_well = others.iter().map(|customer| {
            let before = figure(shop, FAILED);
            until("inventory to fail once more", || {
                (figure(shop, FAILED) > before).then_some(())
            });
            customer.orders("wholesome", &order("wholesome", 1, GOOD), &[])
        });
        let went_well: Vec<_> = went_well.collect();
        let stuck = stuck.into_iter().map(|it| it.join().unwrap());
        (stuck.collect::<Vec<_>>(), went_well)
    })
}

pub(crate) fn orders_whose_units_cannot_come_back_cost_nobody_else_theirs_and_end_once_they_can(
    runtime: Runtime,
) {
    if !inside::can_look(runtime) {
        return skipped("root, to change a database in a volume");
    }
    SHOP.alone(runtime, |shop| {
        shop.stock("poison", 24);
        shop.stock("wholesome", 12);
        let poisoned = shop.customers("poisoned", STUCK);
        let others = shop.customers("wholesome", 6);
        let database = inside::volume(&shop.system, "inventory-data").join("inventory.sqlite");
        let poison = Poison::put_into(database);
        let (opened, kept_back) = (figure(shop, OPENED), figure(shop, KEPT_BACK));
        let (stuck, went_well) = in_a_quiet_shop(shop, &poisoned, &others);
        let mut sent = Vec::new();
        for (customer, (status, order)) in others.iter().zip(&went_well) {
            let id = order["id"].as_str().unwrap_or_else(|| panic!("{order}"));
            assert_eq!(*status, 201, "{order}");
            let order = ended(customer, id);
            assert_eq!(order["status"], "shipped", "{order}");
            sent.push(Sent::answered(customer, "wholesome", id));
        }
        for (_, (status, order)) in poisoned.iter().zip(&stuck) {
            assert_eq!((*status, &order["status"]), (202, &json!("pending")));
        }
        until("all of them to be told of as failing", || {
            (figure(shop, FAILING) == STUCK as u64).then_some(())
        });
        assert_eq!(figure(shop, OPENED), opened, "the breaker opened");
        assert_eq!(figure(shop, KEPT_BACK), kept_back);

        drop(poison);
        for (customer, (_, order)) in poisoned.iter().zip(&stuck) {
            let id = order["id"].as_str().unwrap_or_else(|| panic!("{order}"));
            let order = ended(customer, id);
            assert_eq!(order["status"], "cancelled", "{order}");
            assert_eq!(order["reason"], "payment_declined", "{order}");
            sent.push(Sent::answered(customer, "poisoned", id));
        }
        assert_eq!(shop.available("poison"), 24);
        assert_eq!(figure(shop, FAILING), 0);
        shop.is_found_right(&sent);
    });
}
