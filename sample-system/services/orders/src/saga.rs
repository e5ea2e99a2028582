//! The saga of an order as data: which step follows which fact. Pure; the executor performs the
//! steps, and nobody else decides.
//!
//! ```text
//! order_received ─ priced ─ stock_reserved ─ charged ─ stock_committed ─ confirmed
//!                              │                │            │
//!                              │ refused        │ failed     │ held no more
//!                              │                ├─ may be ───┴─── refund_requested ─┐
//!                              │                │  taken                            │
//!                              ├─ may be held ──┴─ not taken ──── stock_released ◄──┘
//!                              └─ not held ────────────────────── cancelled
//! ```
//!
//! What shipping says after `confirmed` is no step: it is recorded when it is heard.
//!
//! A step is stored as the next one together with the fact that leads to it, before it is begun;
//! the fact that it leads to is stored after it. A crash in between repeats the step, so each can
//! be repeated: catalog is only read, inventory and payments know the ids that they are called
//! with, and what is announced is written with its fact. A charge is the exception, for the card
//! is never stored: after a restart the executor asks payments what became of it.

use crate::order::Fact;

/// Something to be done for an order; named by the fact that it leads to when all goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Store that a customer ordered.
    OrderReceived,
    /// Store name and price, as catalog says them.
    Priced,
    /// Take the units aside.
    StockReserved,
    /// Take the money.
    Charged,
    /// Let the units leave the stock for good.
    StockCommitted,
    /// Confirm the order and announce it.
    Confirmed,
    /// Give the money back, should it have been taken, and refuse the charge should it come.
    RefundRequested,
    /// Give the units back, should they be held, and refuse the reservation should it come.
    StockReleased,
    /// Cancel the order and announce it.
    Cancelled,
}

impl Step {
    /// Every step, in the order of the way to success, then of the way back.
    pub(crate) const ALL: [Self; 9] = [
        Self::OrderReceived,
        Self::Priced,
        Self::StockReserved,
        Self::Charged,
        Self::StockCommitted,
        Self::Confirmed,
        Self::RefundRequested,
        Self::StockReleased,
        Self::Cancelled,
    ];

    /// What follows `fact`; `None` when the saga is at its end.
    pub(crate) fn after(fact: &Fact) -> Option<Self> {
        let step = match fact {
            Fact::OrderReceived { .. } => Self::Priced,
            Fact::Priced { .. } => Self::StockReserved,
            Fact::StockReserved {} => Self::Charged,
            Fact::Charged { .. } => Self::StockCommitted,
            Fact::StockCommitted {} => Self::Confirmed,
            Fact::StockRefused {
                maybe_held: false, ..
            } => Self::Cancelled,
            Fact::StockRefused {
                maybe_held: true, ..
            } => Self::StockReleased,
            Fact::ChargeFailed {
                maybe_taken: false, ..
            } => Self::StockReleased,
            Fact::ChargeFailed {
                maybe_taken: true, ..
            }
            | Fact::CommitRefused { .. } => Self::RefundRequested,
            Fact::RefundRequested { .. } => Self::StockReleased,
            Fact::StockReleased {} => Self::Cancelled,
            Fact::Confirmed {}
            | Fact::Cancelled { .. }
            | Fact::Shipped { .. }
            | Fact::ShipmentFailed { .. } => return None,
        };
        Some(step)
    }

    /// Its name in the store, in logs and in tests.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OrderReceived => "order_received",
            Self::Priced => "priced",
            Self::StockReserved => "stock_reserved",
            Self::Charged => "charged",
            Self::Confirmed => "confirmed",
            Self::StockCommitted => "stock_committed",
            Self::RefundRequested => "refund_requested",
            Self::StockReleased => "stock_released",
            Self::Cancelled => "cancelled",
        }
    }

    /// The step of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::Reason;

    /// Follows the saga from being priced, where `outcome` says what each step leads to.
    fn followed(mut outcome: impl FnMut(Step) -> Fact) -> Vec<&'static str> {
        let mut steps = Vec::new();
        let mut next = Some(Step::StockReserved);
        while let Some(step) = next {
            steps.push(step.name());
            next = Step::after(&outcome(step));
        }
        steps
    }

    fn well(step: Step) -> Fact {
        match step {
            Step::StockReserved => Fact::StockReserved {},
            Step::Charged => Fact::Charged {
                charge_id: "c".into(),
            },
            Step::Confirmed => Fact::Confirmed {},
            Step::StockCommitted => Fact::StockCommitted {},
            Step::RefundRequested => Fact::RefundRequested {
                charge_id: "c".into(),
            },
            Step::StockReleased => Fact::StockReleased {},
            _ => Fact::Cancelled {
                reason: Reason::PaymentTimeout,
            },
        }
    }

    #[test]
    fn an_order_that_goes_well_is_confirmed_once_its_units_are_its_own() {
        let steps = followed(well);
        assert_eq!(
            steps,
            ["stock_reserved", "charged", "stock_committed", "confirmed"]
        );
    }

    #[test]
    fn a_declined_charge_gives_the_units_back_and_asks_for_no_refund() {
        let steps = followed(|step| match step {
            Step::Charged => Fact::ChargeFailed {
                reason: Reason::PaymentDeclined,
                maybe_taken: false,
            },
            other => well(other),
        });
        assert_eq!(
            steps,
            ["stock_reserved", "charged", "stock_released", "cancelled"]
        );
    }

    #[test]
    fn units_that_are_held_no_more_when_they_are_to_leave_undo_the_charge() {
        let steps = followed(|step| match step {
            Step::StockCommitted => Fact::CommitRefused {
                reason: Reason::ReservationExpired,
            },
            other => well(other),
        });
        let expected = [
            "stock_reserved",
            "charged",
            "stock_committed",
            "refund_requested",
            "stock_released",
            "cancelled",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn a_charge_that_may_have_been_taken_is_refunded_before_the_order_is_cancelled() {
        let steps = followed(|step| match step {
            Step::Charged => Fact::ChargeFailed {
                reason: Reason::PaymentTimeout,
                maybe_taken: true,
            },
            other => well(other),
        });
        let expected = [
            "stock_reserved",
            "charged",
            "refund_requested",
            "stock_released",
            "cancelled",
        ];
        assert_eq!(steps, expected);
    }

    #[test]
    fn units_that_may_be_held_are_released_and_others_are_left_alone() {
        for (maybe_held, expected) in [
            (true, vec!["stock_reserved", "stock_released", "cancelled"]),
            (false, vec!["stock_reserved", "cancelled"]),
        ] {
            let steps = followed(|step| match step {
                Step::StockReserved => Fact::StockRefused {
                    reason: Reason::OutOfStock,
                    maybe_held,
                },
                other => well(other),
            });
            assert_eq!(steps, expected);
        }
    }

    #[test]
    fn each_step_is_found_by_its_name() {
        for step in Step::ALL {
            assert_eq!(Step::named(step.name()), Some(step));
        }
    }
}
