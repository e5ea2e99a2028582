//! News of an order as a mail.
//!
//! The words are found when the event is read; the address is put on when the mail leaves, because
//! it may come later. The Message-ID is made of the order and of what is said about it, and of
//! nothing else: however often an event comes, it is the same mail.

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use shop::event::{ItemShipped, OrderCancelled, OrderPlaced};
use shop::trace_context::TraceContext;

use crate::event::{News, OrderId};

/// The header that names the order.
const ORDER_HEADER: &str = "X-Shop-Order";

/// The header that names what is said about it.
const KIND_HEADER: &str = "X-Shop-Kind";

/// Why there can be no mail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LetterError {
    #[error("the account's mail address is none: {0}")]
    Address(#[from] lettre::address::AddressError),
    #[error("the mail cannot be built: {0}")]
    Build(#[from] lettre::error::Error),
}

/// A mail without its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Letter {
    /// The order that it is about.
    pub(crate) order_id: String,
    /// `confirmation`, `shipment` or `cancellation`; an order has one of each at most.
    pub(crate) kind: String,
    /// Its subject.
    pub(crate) subject: String,
    /// Its text.
    pub(crate) body: String,
    /// The trace of the work that it is sent for.
    pub(crate) trace: TraceContext,
}

impl Letter {
    /// The words for `news` of the order.
    pub(crate) fn of(order_id: &OrderId, news: &News, trace: TraceContext) -> Self {
        let (kind, became, body) = match news {
            News::Placed(placed) => ("confirmation", "confirmed", confirmation(placed)),
            News::Shipped(shipped) => ("shipment", "on its way", shipment(shipped)),
            News::Cancelled(cancelled) => ("cancellation", "cancelled", cancellation(cancelled)),
        };
        Self {
            order_id: order_id.to_string(),
            kind: kind.to_owned(),
            subject: format!("Your order {order_id} is {became}"),
            body,
            trace,
        }
    }

    /// What tells this mail from every other.
    pub(crate) fn message_id(&self) -> String {
        format!("<{}.{}@shop>", self.order_id, self.kind)
    }

    /// The mail, from `from` to `email`.
    pub(crate) fn addressed(&self, from: &Mailbox, email: &str) -> Result<Message, LetterError> {
        let mut mail = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, email.parse()?))
            .subject(&self.subject)
            .message_id(Some(self.message_id()));
        let order = HeaderName::new_from_ascii_str(ORDER_HEADER);
        mail = verbatim(mail, order, &self.order_id);
        let kind = HeaderName::new_from_ascii_str(KIND_HEADER);
        mail = verbatim(mail, kind, &self.kind);
        for (name, value) in self.trace.pairs() {
            mail = verbatim(mail, HeaderName::new_from_ascii_str(name), value);
        }
        Ok(mail
            .header(ContentType::TEXT_PLAIN)
            .body(self.body.clone())?)
    }
}

/// Adds a header exactly as it is. The builder's own way would fold and encode it; a value that
/// no header line can hold is left out, since it cannot have come from one.
fn verbatim(mail: MessageBuilder, name: HeaderName, value: &str) -> MessageBuilder {
    let printable = |byte: u8| matches!(byte, b' '..=b'~' | b'\t');
    if value.is_empty() || !value.bytes().all(printable) {
        return mail;
    }
    let value = value.to_owned();
    mail.raw_header(HeaderValue::dangerous_new_pre_encoded(
        name,
        value.clone(),
        value,
    ))
}

fn confirmation(placed: &OrderPlaced) -> String {
    format!(
        "Thank you for your order.\n\n{} x {}\nTotal: {}\n\nYour payment has been taken.\n",
        placed.quantity, placed.name, placed.total
    )
}

fn shipment(shipped: &ItemShipped) -> String {
    format!(
        "Your order of {} x {} has left our warehouse.\n\nTracking number: {}\n",
        shipped.quantity, shipped.sku, shipped.tracking
    )
}

fn cancellation(cancelled: &OrderCancelled) -> String {
    let reason = match cancelled.reason.as_str() {
        "payment_declined" => "your card was declined",
        "out_of_stock" | "stock_unavailable" | "reservation_expired" => "the item cannot be had",
        "payment_timeout" | "payment_unavailable" => "the payment could not be made in time",
        "charge_refused" => "the payment was withdrawn",
        "shipment_failed" => "it cannot be brought to your address",
        _ => "it could not be carried out",
    };
    format!(
        "We are sorry: your order of {} x {} is cancelled, because {reason}.\n\n\
         Nothing stays charged.\n",
        cancelled.quantity, cancelled.sku
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::{cancelled, placed, shipped};
    use crate::event::{Event, Happened};

    fn from() -> Mailbox {
        "The shop <orders@shop.example>".parse().unwrap()
    }

    fn letter(event: &serde_json::Value, trace: TraceContext) -> Letter {
        let event = Event::read(event.to_string().as_bytes()).unwrap().unwrap();
        let Happened::Order { order_id, news, .. } = event.happened else {
            panic!("an account's event makes no letter");
        };
        Letter::of(&order_id, &news, trace)
    }

    fn mail(event: &serde_json::Value, trace: TraceContext) -> String {
        let mail = letter(event, trace).addressed(&from(), "ann@example.org");
        String::from_utf8(mail.unwrap().formatted()).unwrap()
    }

    #[test]
    fn the_message_id_depends_on_order_and_kind_alone() {
        let none = TraceContext::default;
        for (event, id) in [
            (placed("e-1", "o-1", "a-1"), "<o-1.confirmation@shop>"),
            (placed("e-2", "o-1", "a-2"), "<o-1.confirmation@shop>"),
            (shipped("e-3", "o-1", "a-1"), "<o-1.shipment@shop>"),
            (
                cancelled("e-4", "o-1", "a-1", "x"),
                "<o-1.cancellation@shop>",
            ),
        ] {
            let text = mail(&event, none());
            assert!(text.contains(&format!("Message-ID: {id}\r\n")), "{text}");
        }
    }

    #[test]
    fn what_happened_is_told_in_the_customers_words() {
        let none = TraceContext::default;
        for (event, words) in [
            (placed("e", "o-1", "a"), "2 x Lamp\nTotal: 99.98 USD"),
            (shipped("e", "o-1", "a"), "Tracking number: T-1"),
            (
                cancelled("e", "o-1", "a", "shipment_failed"),
                "it cannot be brought to your address",
            ),
        ] {
            let text = letter(&event, none()).body;
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn a_trace_however_long_stands_in_the_mail_as_it_came() {
        let trace = TraceContext {
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            baggage: Some(format!(
                "msvc=r.s.1, other = %20x ;p,long={}",
                "v".repeat(500)
            )),
        };
        let text = mail(&placed("e-1", "o-1", "a-1"), trace.clone());
        for (name, value) in trace.pairs() {
            assert!(text.contains(&format!("\r\n{name}: {value}\r\n")), "{text}");
        }
    }

    #[test]
    fn a_trace_with_a_line_break_cannot_add_a_header() {
        let trace = TraceContext {
            traceparent: None,
            baggage: Some("a=1\r\nBcc: eve@example.org".into()),
        };
        assert!(!mail(&placed("e-1", "o-1", "a-1"), trace).contains("eve@"));
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        let letter = letter(&placed("e-1", "o-1", "a-1"), TraceContext::default());
        for email in ["", "ann", "a@b\r\nBcc: eve@example.org", "a b@example.org"] {
            assert!(letter.addressed(&from(), email).is_err(), "{email:?}");
        }
    }
}
