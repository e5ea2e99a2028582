//! An event as a mail.
//!
//! The Message-ID is made of the order and of what is said about it, and of nothing else: however
//! often an event comes, it is the same mail.

use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use shop::money::Money;
use shop::trace_context::TraceContext;

use crate::event::{Cancelled, Event, Happened, Placed};

/// The header that names the order.
const ORDER_HEADER: &str = "X-Shop-Order";

/// The header that names what is said about it.
const KIND_HEADER: &str = "X-Shop-Kind";

/// Why an event cannot be made a mail.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LetterError {
    #[error("the order's mail address is none: {0}")]
    Address(#[from] lettre::address::AddressError),
    #[error("the mail cannot be built: {0}")]
    Build(#[from] lettre::error::Error),
}

/// The mail that tells the customer of `event`, carrying `trace` as it is.
pub(crate) fn letter(
    event: &Event,
    from: &Mailbox,
    trace: &TraceContext,
) -> Result<Message, LetterError> {
    let order = &event.order_id;
    let (kind, email, subject, body) = match &event.happened {
        Happened::Placed(placed) => (
            "confirmation",
            &placed.email,
            format!("Your order {order} is confirmed"),
            confirmation(placed),
        ),
        Happened::Cancelled(cancelled) => (
            "cancellation",
            &cancelled.email,
            format!("Your order {order} is cancelled"),
            cancellation(cancelled),
        ),
    };
    let to = Mailbox::new(None, email.parse()?);
    let mut mail = Message::builder()
        .from(from.clone())
        .to(to)
        .subject(subject)
        .message_id(Some(format!("<{order}.{kind}@shop>")));
    mail = verbatim(
        mail,
        HeaderName::new_from_ascii_str(ORDER_HEADER),
        order.as_str(),
    );
    mail = verbatim(mail, HeaderName::new_from_ascii_str(KIND_HEADER), kind);
    for (name, value) in trace.pairs() {
        mail = verbatim(mail, HeaderName::new_from_ascii_str(name), value);
    }
    Ok(mail.header(ContentType::TEXT_PLAIN).body(body)?)
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

fn confirmation(placed: &Placed) -> String {
    format!(
        "Thank you for your order.\n\n{} x {}\nTotal: {}\n\nYour payment has been taken.\n",
        placed.quantity,
        placed.name,
        price(&placed.total)
    )
}

fn cancellation(cancelled: &Cancelled) -> String {
    let reason = match cancelled.reason.as_str() {
        "payment_declined" => "your card was declined",
        "out_of_stock" | "stock_unavailable" => "the item cannot be had",
        "payment_timeout" | "payment_unavailable" => "the payment could not be made in time",
        "charge_refused" => "the payment was withdrawn",
        _ => "it could not be carried out",
    };
    format!(
        "We are sorry: your order of {} x {} is cancelled, because {reason}.\n\n\
         Nothing stays charged.\n",
        cancelled.quantity, cancelled.sku
    )
}

/// The currencies of the shop have two digits after the point.
fn price(money: &Money) -> String {
    let (whole, cents) = (money.amount() / 100, money.amount() % 100);
    format!("{whole}.{cents:02} {}", money.currency())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::tests::placed;

    fn from() -> Mailbox {
        "The shop <orders@shop.example>".parse().unwrap()
    }

    fn event(order: &str, email: &str) -> Event {
        let event = placed("e-1", order, email).to_string();
        Event::read(event.as_bytes()).unwrap().unwrap()
    }

    fn text(message: &Message) -> String {
        String::from_utf8(message.formatted()).unwrap()
    }

    #[test]
    fn the_message_id_depends_on_order_and_kind_alone() {
        let one = letter(
            &event("o-1", "a@example.org"),
            &from(),
            &TraceContext::default(),
        );
        assert!(text(&one.unwrap()).contains("Message-ID: <o-1.confirmation@shop>\r\n"));
    }

    #[test]
    fn the_sum_is_told_in_the_customers_words() {
        let mail = letter(
            &event("o-1", "a@example.org"),
            &from(),
            &TraceContext::default(),
        );
        let text = text(&mail.unwrap());
        assert!(
            text.contains("2 x Lamp") && text.contains("99.98 USD"),
            "{text}"
        );
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
        let mail = letter(&event("o-1", "a@example.org"), &from(), &trace).unwrap();
        let text = text(&mail);
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
        let mail = letter(&event("o-1", "a@example.org"), &from(), &trace).unwrap();
        assert!(!text(&mail).contains("eve@"));
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for email in ["", "ann", "a@b\r\nBcc: eve@example.org", "a b@example.org"] {
            let event = event("o-1", email);
            assert!(
                letter(&event, &from(), &TraceContext::default()).is_err(),
                "{email:?}"
            );
        }
    }
}
