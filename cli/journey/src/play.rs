//! Playing a journey: the doing beside [`crate::run`]'s deciding.

use std::error::Error;
use std::sync::Arc;

use msvc_machine::shutdown::Shutdown;
use msvc_report::event::Event;
use msvc_report::exit::Exit;
use reqwest::Client;

use crate::command;
use crate::document::Document;
use crate::entry::Entry;
use crate::journey::{Journey, Kind};
use crate::message::{Answer, ReceivedBody, Request, Response};
use crate::outcome::Outcome;
use crate::run::{Next, Run};
use crate::trust::{Clients, NoClient};

/// Bytes of an answer's body that are read; a longer one is a failed call.
const MAX_BODY: usize = 10_000_000;

/// Where the events of a play go.
pub type Sink<'a> = dyn Fn(Event) + Send + Sync + 'a;

/// Plays `journey` once, to its end or until `shutdown` is requested. Several plays may run at
/// once; each needs an `entry` with a run id of its own.
pub async fn play(
    journey: &Journey,
    entry: &Entry,
    sink: &Sink<'_>,
    shutdown: &Shutdown,
) -> Outcome {
    let mut outcome = match &journey.kind {
        Kind::Command(line) => command::play(journey, line, entry, sink, shutdown).await,
        Kind::Workflow(document, number) => {
            let document = Arc::clone(document);
            match workflow(document, *number, entry, sink, shutdown).await {
                Ok(outcome) => outcome,
                Err(NoClient(why)) => Outcome::not_played(journey, Exit::CouldNot, why),
            }
        }
    };
    entry.masked.outcome(&mut outcome);
    outcome
}

async fn workflow(
    document: Arc<Document>,
    number: usize,
    entry: &Entry,
    sink: &Sink<'_>,
    shutdown: &Shutdown,
) -> Result<Outcome, NoClient> {
    let mut clients = Clients::default();
    let clock = Arc::clone(&entry.clock);
    let mut run = Run::begin(document, number, entry.clone(), clock.now());
    loop {
        let next = run.advance(clock.now());
        run.take_events().into_iter().for_each(sink);
        match next {
            Next::Ended(outcome) => return Ok(*outcome),
            Next::Call(request) => tokio::select! {
                answer = call(&mut clients, &request, entry) => run.supply(answer?, clock.now()),
                () = shutdown.requested() => run.interrupt(clock.now()),
            },
            Next::Wait(until) => tokio::select! {
                () = clock.sleep_until(until) => {}
                () = shutdown.requested() => run.interrupt(clock.now()),
            },
        }
    }
}

async fn call(clients: &mut Clients, request: &Request, entry: &Entry) -> Result<Answer, NoClient> {
    let client = clients.of(&request.url, entry).await?;
    Ok(match exchange(&client, request).await {
        Ok(response) => Answer::Response(response),
        Err(error) => {
            // The certificates may be others by now.
            clients.forget(&request.url);
            Answer::Failed(reason(&error, request))
        }
    })
}

/// A call that came to no answer.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error("the method `{0}` cannot be sent")]
    Method(String),
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer is longer than {MAX_BODY} bytes")]
    TooLong,
}

async fn exchange(client: &Client, request: &Request) -> Result<Response, CallError> {
    let method = request
        .method
        .parse()
        .map_err(|_| CallError::Method(request.method.clone()))?;
    let mut builder = client
        .request(method, &request.url)
        .timeout(request.timeout);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    if let Some(body) = &request.body {
        builder = builder.body(body.text.clone());
    }
    let mut answer = builder.send().await?;
    let status = answer.status().as_u16();
    let headers: Vec<(String, String)> = answer
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        })
        .collect();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > MAX_BODY {
            return Err(CallError::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    let content_type = crate::message::header(&headers, "content-type");
    let body = ReceivedBody::read(content_type, &bytes);
    Ok(Response {
        status,
        headers,
        body,
    })
}

/// Why there is no answer, in one sentence: what the library nests is unwrapped to its core.
fn reason(error: &CallError, request: &Request) -> String {
    let CallError::Http(http) = error else {
        return error.to_string();
    };
    let seconds = request.timeout.as_secs_f64();
    let mut core: &dyn Error = http;
    while let Some(source) = core.source() {
        core = source;
    }
    if http.is_timeout() {
        format!("no answer within {seconds} s")
    } else if http.is_connect() {
        let core = core.to_string();
        let whom = match core.contains("UnknownIssuer") {
            true => "; `x-msvc.ca` of its service says whose certificates to trust",
            false => "",
        };
        format!("no connection: {core}{whom}")
    } else if http.is_builder() {
        format!("the request cannot be sent: {core}")
    } else {
        format!("the connection ended before the answer: {core}")
    }
}

#[cfg(test)]
mod tests;
