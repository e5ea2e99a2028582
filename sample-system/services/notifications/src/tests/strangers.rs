//! What strangers send: whatever it is, it breaks nothing, and no mail says more than it should.

use outside::{document, each, hear_each, text};
use tokio::runtime::Runtime;

use super::*;
use crate::event::{Event, Happened};
use crate::letter::Letter;

#[test]
fn no_event_makes_the_handler_panic_or_try_for_ever() {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let desk = runtime
        .block_on(async { Desk::open(folder.path(), Clock::system(), &Bugs::none()).unwrap() });
    for good in [
        placed("e-1", "o-1", "a-1"),
        shipped("e-2", "o-1", "a-1"),
        cancelled("e-3", "o-1", "a-1", "out_of_stock"),
        ann(),
    ] {
        hear_each(&runtime, 80, &desk, &good);
    }
}

#[test]
fn whatever_an_event_and_its_trace_say_a_mail_has_the_headers_of_a_mail_and_no_more() {
    let from: Mailbox = "The shop <orders@shop.example>".parse().unwrap();
    let draws = (document(placed("e-1", "o-1", "a-1")), text(), text());
    each(300, draws, |(event, trace, address)| {
        let trace = TraceContext {
            traceparent: Some(trace.clone()),
            baggage: Some(trace),
        };
        let Ok(Some(event)) = Event::read(event.to_string().as_bytes()) else {
            return;
        };
        let Happened::Order { order_id, news } = event.happened else {
            return;
        };
        let letter = Letter::of(&order_id, &news, trace);
        let Ok(mail) = letter
            .addressed(&from, &address)
            .or_else(|_| letter.addressed(&from, "a@b.example"))
        else {
            return;
        };
        let mail = String::from_utf8(mail.formatted()).unwrap();
        let (head, _body) = mail.split_once("\r\n\r\n").unwrap();
        for line in head
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
        {
            let name = line.split(':').next().unwrap();
            let known = [
                "From",
                "To",
                "Subject",
                "Message-ID",
                "X-Shop-Order",
                "X-Shop-Kind",
                "traceparent",
                "baggage",
                "Content-Type",
                "Content-Transfer-Encoding",
                "Date",
                "MIME-Version",
            ];
            assert!(known.contains(&name), "{line:?} in {head}");
        }
    });
}
