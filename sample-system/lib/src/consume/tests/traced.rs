//! The trace that an event is worked on in.

use super::*;

/// Says under which trace it was called.
struct Traced(Mutex<Vec<TraceContext>>);

#[async_trait]
impl Handle for Arc<Traced> {
    async fn handle(&self, _: &Delivery, trace: &TraceContext) -> Result<(), Failure> {
        tracing::info!("event taken");
        self.0.lock().unwrap().push(trace.clone());
        Ok(())
    }
}

#[tokio::test]
async fn an_event_that_came_without_a_trace_begins_one() {
    let logged = crate::logs::Logged::here();
    let traced = Arc::new(Traced(Mutex::default()));
    let letters = Letters::default();
    let consumption = Consumption::new(settings(), traced.clone(), letters, &Bugs::only(&[]));
    let record = Record {
        topic: "accounts".to_owned(),
        key: "a-1".to_owned(),
        payload: Vec::new(),
        headers: vec![("baggage".to_owned(), "a=1".to_owned())],
    };
    let delivery = Delivery {
        record,
        partition: 0,
        offset: 0,
    };
    consumption
        .finish(&delivery, &CancellationToken::new())
        .await;
    let trace = traced.0.lock().unwrap()[0].clone();
    assert_eq!(trace.baggage.as_deref(), Some("a=1"));
    let lines = logged.with_message("event taken");
    assert_eq!(lines[0]["trace_id"], trace.trace_id().unwrap());
}

/// Can read nothing.
struct Illiterate;

#[async_trait]
impl Handle for Illiterate {
    async fn handle(&self, _: &Delivery, _: &TraceContext) -> Result<(), Failure> {
        let why = serde_json::from_str::<()>("{").unwrap_err();
        Err(Unreadable::Envelope(why).into())
    }
}

#[tokio::test]
async fn the_dead_letter_of_such_an_event_tells_the_trace_that_its_log_line_tells() {
    let logged = crate::logs::Logged::here();
    let letters = Letters::default();
    let none = Bugs::none();
    let consumption = Consumption::new(settings(), Illiterate, letters.clone(), &none);
    let record = Record {
        topic: "orders".to_owned(),
        key: "o-1".to_owned(),
        payload: b"{".to_vec(),
        headers: Vec::new(),
    };
    let delivery = Delivery {
        record,
        partition: 0,
        offset: 0,
    };
    let shutdown = CancellationToken::new();
    let outcome = consumption.finish(&delivery, &shutdown).await;
    assert_eq!(outcome, Some(Outcome::Buried));
    let letter = letters.0.lock().unwrap()[0].clone();
    let lines = logged.with_message("an event became a dead letter");
    let told = letter
        .header("traceparent")
        .and_then(|it| it.split('-').nth(1));
    assert_eq!(lines[0]["trace_id"].as_str(), told);
    assert!(told.is_some());
}
