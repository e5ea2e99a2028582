//! What orders relies on in payments: plays the real client against a mock of payments and writes
//! `contracts/pacts/orders-payments.json`, which payments is verified against.
//!
//! The file is the same byte for byte however often it is written. Every interaction has ids of its
//! own, so that they can be verified in any order; ids and sums are compared exactly, because the
//! provider states fix them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pact_consumer::builders::{InteractionBuilder, PactBuilder};
use pact_consumer::mock_server::StartMockServer;
use pact_consumer::prelude::HttpPartBuilder;
use serde_json::{Value, json};
use shop::card::{Card, CardNumber};
use shop::money::Money;
use shop::trace_context::TraceContext;
use uuid::Uuid;

use super::{Charge, ChargeRequest, ChargeStatus, Payments};
use crate::neighbours::how;
use crate::order::OrderId;

const GOOD_CARD: &str = "4111111111114242";
const DECLINED_CARD: &str = "4111111111110002";

/// Whose orders they are.
const ACCOUNT: Uuid = Uuid::from_u128(0x0a11_ce00_0000_4000_8000_0000_0000_0001);

/// The order that an interaction is about, all of its own.
struct Example {
    order: OrderId,
    sum: Money,
    card: Card,
}

impl Example {
    fn new(name: &str, card: &str) -> Self {
        Self {
            order: OrderId::of(ACCOUNT, &format!("contract: {name}")),
            sum: Money::new(9998, "USD").unwrap(),
            card: Card {
                number: CardNumber::try_from(card.to_owned()).unwrap(),
            },
        }
    }

    fn request(&self) -> ChargeRequest<'_> {
        ChargeRequest {
            charge_id: self.order.charge_id(),
            order_id: self.order.to_string(),
            account_id: ACCOUNT.to_string(),
            sum: &self.sum,
            card: &self.card,
        }
    }

    /// What a provider state needs to make this charge.
    fn parameters(&self) -> Value {
        json!({
            "charge_id": self.order.charge_id(),
            "order_id": self.order,
            "account_id": ACCOUNT,
            "amount": self.sum.amount(),
            "currency": self.sum.currency(),
            "idempotency_key": self.order.charge_id(),
            "card_number": self.card.number,
        })
    }

    /// A charge of the whole sum, as payments shows it.
    fn standing(&self, status: &str) -> Value {
        json!({
            "id": self.order.charge_id(),
            "status": status,
            "amount": self.sum.amount(),
            "currency": self.sum.currency(),
        })
    }

    /// A charge without its sum, where orders does not look at that.
    fn named(&self, status: &str) -> Value {
        json!({"id": self.order.charge_id(), "status": status})
    }

    /// `POST /charges` for this example, answered by `status` and `body`.
    fn charging(
        &self,
        state: &str,
        status: u16,
        body: &Value,
    ) -> impl Fn(InteractionBuilder) -> InteractionBuilder {
        let parameters = self.parameters();
        let (state, body) = (state.to_owned(), body.clone());
        let request = serde_json::to_value(self.request()).unwrap();
        let key = self.order.charge_id();
        move |mut interaction| {
            interaction.given_with_params(state.clone(), &parameters);
            interaction
                .request
                .post()
                .path("/charges")
                .header("Idempotency-Key", key.clone())
                .content_type("application/json")
                .json_body(request.clone());
            answered(&mut interaction, status, &body);
            interaction
        }
    }

    /// `POST /charges/{id}/refund` for this example, answered by `status` and `body`.
    fn refunding(
        &self,
        state: &str,
        status: u16,
        body: &Value,
    ) -> impl Fn(InteractionBuilder) -> InteractionBuilder {
        let parameters = self.parameters();
        let (state, body) = (state.to_owned(), body.clone());
        let path = format!("/charges/{}/refund", self.order.charge_id());
        move |mut interaction| {
            interaction.given_with_params(state.clone(), &parameters);
            interaction.request.post().path(path.clone());
            answered(&mut interaction, status, &body);
            interaction
        }
    }

    /// `GET /charges?order_id=` for this example, answered by `body`.
    fn listing(
        &self,
        state: &str,
        body: &Value,
    ) -> impl Fn(InteractionBuilder) -> InteractionBuilder {
        let parameters = self.parameters();
        let (state, body) = (state.to_owned(), body.clone());
        let order = self.order.to_string();
        move |mut interaction| {
            interaction.given_with_params(state.clone(), &parameters);
            interaction
                .request
                .get()
                .path("/charges")
                .query_param("order_id", order.clone());
            answered(&mut interaction, 200, &body);
            interaction
        }
    }
}

fn answered(interaction: &mut InteractionBuilder, status: u16, body: &Value) {
    let response = interaction.response.status(status);
    response
        .content_type("application/json")
        .json_body(body.clone());
}

fn status(charge: &Charge) -> ChargeStatus {
    charge.status
}

#[tokio::test]
async fn payments_answers_as_this_client_relies_on() {
    shop::entry::install_tls();
    let charged = Example::new("charged", GOOD_CARD);
    let declined = Example::new("declined", DECLINED_CARD);
    let twice = Example::new("the same key twice", GOOD_CARD);
    let refused = Example::new("refused", GOOD_CARD);
    let refunded = Example::new("refunded", GOOD_CARD);
    let again = Example::new("refunded again", GOOD_CARD);
    let unknown = Example::new("refund of an unknown charge", GOOD_CARD);
    let listed = Example::new("listed", GOOD_CARD);
    let unlisted = Example::new("not listed", GOOD_CARD);
    let none = "no such charge was made";
    let made = "the charge was made";

    let folder = tempfile::tempdir().unwrap();
    let payments = PactBuilder::new_v4("orders", "payments")
        .with_output_dir(folder.path())
        .interaction(
            "a charge of a good card",
            "",
            charged.charging(none, 201, &charged.standing("charged")),
        )
        .interaction(
            "a charge of a card that is declined",
            "",
            declined.charging(
                "the card will be declined",
                402,
                &declined.named("declined"),
            ),
        )
        .interaction(
            "the same charge again",
            "",
            twice.charging(made, 201, &twice.standing("charged")),
        )
        .interaction(
            "a charge that comes after its refund",
            "",
            refused.charging(
                "the charge was refunded before it was made",
                409,
                &refused.named("refused"),
            ),
        )
        .interaction(
            "a refund",
            "",
            refunded.refunding(made, 200, &refunded.named("refunded")),
        )
        .interaction(
            "the same refund again",
            "",
            again.refunding(
                "the charge was made and refunded",
                200,
                &again.named("refunded"),
            ),
        )
        .interaction(
            "a refund of an unknown charge",
            "",
            unknown.refunding(none, 202, &unknown.named("refused")),
        )
        .interaction(
            "the charges of an order",
            "",
            listed.listing(made, &json!([listed.named("charged")])),
        )
        .interaction(
            "the charges of an order without any",
            "",
            unlisted.listing(none, &json!([])),
        )
        .start_mock_server(None, None);

    let timeout = Duration::from_secs(5);
    let url = payments.url().to_string();
    let client = Payments::new(url.trim_end_matches('/'), timeout, timeout, &how()).unwrap();
    let trace = TraceContext::default();
    let charge = async |example: &Example| {
        client
            .charge(&example.request(), &trace)
            .await
            .map(|charge| status(&charge))
            .unwrap()
    };
    let refund = async |example: &Example| {
        let id = example.order.charge_id();
        client
            .refund(&id, &trace)
            .await
            .map(|charge| status(&charge))
            .unwrap()
    };
    let list = async |example: &Example| {
        client
            .of_order(&example.order.to_string(), &trace)
            .await
            .unwrap()
    };
    assert_eq!(charge(&charged).await, ChargeStatus::Charged);
    assert_eq!(charge(&declined).await, ChargeStatus::Declined);
    assert_eq!(charge(&twice).await, ChargeStatus::Charged);
    assert_eq!(charge(&refused).await, ChargeStatus::Refused);
    assert_eq!(refund(&refunded).await, ChargeStatus::Refunded);
    assert_eq!(refund(&again).await, ChargeStatus::Refunded);
    assert_eq!(refund(&unknown).await, ChargeStatus::Refused);
    assert_eq!(list(&listed).await[0].id, listed.order.charge_id());
    assert_eq!(list(&unlisted).await, []);

    // Dropping the mock checks that all was asked for, and writes the pact.
    drop(payments);
    keep(&folder.path().join("orders-payments.json"));
}

/// Puts the pact that was written to `fresh` where contracts are kept, whole or not at all.
fn keep(fresh: &Path) {
    let mut pact: Value = serde_json::from_slice(&std::fs::read(fresh).unwrap()).unwrap();
    // The Pact crates write these two in the order of a hash map, another one each time.
    for interaction in pact["interactions"].as_array_mut().unwrap() {
        for state in interaction["providerStates"].as_array_mut().unwrap() {
            state["params"].as_object_mut().unwrap().sort_keys();
        }
        for part in ["request", "response"] {
            if let Some(headers) = interaction[part]["headers"].as_object_mut() {
                headers.sort_keys();
            }
        }
    }
    let text = serde_json::to_string_pretty(&pact).unwrap() + "\n";
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../contracts/pacts");
    let kept = folder.join("orders-payments.json");
    if std::fs::read_to_string(&kept).is_ok_and(|kept| kept == text) {
        return;
    }
    std::fs::create_dir_all(&folder).unwrap();
    let readable = std::fs::Permissions::from_mode(0o644);
    let file = tempfile::Builder::new()
        .permissions(readable)
        .tempfile_in(&folder)
        .unwrap();
    std::fs::write(file.path(), text).unwrap();
    file.persist(kept).unwrap();
}
