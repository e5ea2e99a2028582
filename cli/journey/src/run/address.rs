//! What every request carries beside what the document says: its number, its place in the run
//! (`baggage`), its trace.

use msvc_machine::draw;
use tokio::time::Instant;

use super::Run;
use crate::message::{self, Request};

impl Run {
    /// The request with its number, time-out, baggage and trace.
    pub(super) fn addressed(&mut self, mut request: Request, now: Instant) -> Request {
        self.exchanges += 1;
        request.exchange = self.exchanges;
        request.timeout = self.entry.request_timeout.min(self.deadline - now);
        let run = &self.entry.run;
        let journey = self.id(self.root);
        let mine = format!("msvc={run}.{journey}.{}", request.exchange);
        let theirs = request
            .headers
            .iter_mut()
            .find(|(name, _)| name.eq_ignore_ascii_case("baggage"));
        match theirs {
            Some((_, value)) => *value = format!("{value},{mine}"),
            None => request.headers.push(("baggage".to_owned(), mine)),
        }
        if message::header(&request.headers, "traceparent").is_none() {
            let number = request.exchange.to_string();
            let bits = |what| draw::bits(0, &[what, run, &journey]);
            // One trace for the play, one span for each request; an all-zero id is not allowed,
            // and of 2^64 draws one is.
            let (high, low) = (bits("trace high") | 1, bits("trace low"));
            let span = draw::bits(0, &["span", run, &journey, &number]) | 1;
            let value = format!("00-{high:016x}{low:016x}-{span:016x}-01");
            request.headers.push(("traceparent".to_owned(), value));
        }
        request
    }
}
