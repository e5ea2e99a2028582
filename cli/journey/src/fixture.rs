//! What the tests of this room share: a small API, documents around a few steps, plays against
//! answers written down.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use msvc_machine::clock::MachineClock;
use msvc_system::files::Files;
use msvc_system::problem::Problems;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::document::{Document, read};
use crate::message::{Answer, ReceivedBody, Request, Response};
use crate::run::{Next, Run};
use crate::{Bases, CommandPlace, Entry, Limits, Outcome};

/// An API with one operation of each kind that the tests need.
pub(crate) const API: &str = "
openapi: 3.1.0
info: {title: Shop, version: '1'}
servers: [{url: 'http://localhost:8080'}]
paths:
  /orders:
    post:
      operationId: placeOrder
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {'201': {description: placed}}
  /orders/{id}:
    get:
      operationId: getOrder
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: found}}
  /mails:
    get:
      operationId: listMails
      responses: {'200': {description: mails}}
";

/// A document whose `workflows:` (and what else is below it) are `text`.
pub(crate) fn document_of(text: &str) -> Result<Document, Problems> {
    let text = format!(
        "arazzo: 1.0.1\ninfo: {{title: T, version: '1'}}\nsourceDescriptions:\n  \
         - {{name: shop, url: api.yaml, type: openapi}}\n{text}"
    );
    read_text(&text)
}

/// The document `text` beside [`API`].
pub(crate) fn read_text(text: &str) -> Result<Document, Problems> {
    let files = BTreeMap::from([
        (PathBuf::from("a.yaml"), text.as_bytes().to_vec()),
        (PathBuf::from("api.yaml"), API.as_bytes().to_vec()),
    ]);
    read::read(Path::new("a.yaml"), &Files::in_memory(files))
}

pub(crate) fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// An entry with one base and those inputs.
pub(crate) fn entry(inputs: Value) -> Entry {
    Entry {
        bases: Bases::only("http://gateway.test"),
        trust: Vec::new(),
        masked: crate::Masked::default(),
        inputs: object(inputs),
        run: "r1".into(),
        clock: MachineClock::shared(),
        request_timeout: Duration::from_secs(30),
        limits: Limits::default(),
        command: CommandPlace::default(),
    }
}

/// An answer with a JSON body.
pub(crate) fn json(status: u16, body: Value) -> Answer {
    Answer::Response(Response {
        status,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: ReceivedBody::Json(body),
    })
}

/// A play, with what it did.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) outcome: Outcome,
    pub(crate) requests: Vec<Request>,
    /// Every wait, in order.
    pub(crate) waits: Vec<Duration>,
}

/// Plays the first journey of `text` against `answer`, which gets each request and its number
/// from 1. Time passes only where the play waits.
pub(crate) fn play_with(
    text: &str,
    entry: Entry,
    mut answer: impl FnMut(usize, &Request) -> Answer,
) -> Played {
    let document = document_of(text).unwrap_or_else(|problems| panic!("{problems}"));
    let first = document.uncalled()[0];
    let mut now = Instant::now();
    let mut run = Run::begin(Arc::new(document), first, entry, now);
    let mut played = (Vec::new(), Vec::new());
    loop {
        match run.advance(now) {
            Next::Call(request) => {
                let answer = answer(played.0.len() + 1, &request);
                played.0.push(*request);
                run.supply(answer, now);
            }
            Next::Wait(until) => {
                played.1.push(until - now);
                now = until;
            }
            Next::Ended(outcome) => {
                return Played {
                    outcome: *outcome,
                    requests: played.0,
                    waits: played.1,
                };
            }
        }
    }
}

/// [`play_with`] an entry without inputs.
pub(crate) fn play(text: &str, answer: impl FnMut(usize, &Request) -> Answer) -> Played {
    play_with(text, entry(serde_json::json!({})), answer)
}
