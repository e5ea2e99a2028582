//! Pacts held against a provider that really listens.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail it by panicking"
)]

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use msvc_contract::pact::{Pacts, Selection, read};
use msvc_contract::verify::{ProviderEntry, VerifyError, nothing, verify};
use msvc_machine::clock::MachineClock;
use msvc_machine::http_client::choose_tls_provider;
use msvc_machine::shutdown::Shutdown;
use msvc_report::case::{Case, Verdict};
use msvc_report::event::Event;
use msvc_report::exit::Exit;

mod provider;

use provider::Provider;

const CHARGED: &str = r#"{"id":"any","status":"charged","amount":4999,"extra":true}"#;

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pacts/orders-payments.json")
}

fn pact(text: &str) -> Pacts {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.json");
    std::fs::write(&path, text).unwrap();
    read(&path).unwrap()
}

async fn verified(pacts: &Pacts, entry: &ProviderEntry) -> Vec<Case> {
    choose_tls_provider();
    let told = Mutex::new(Vec::new());
    let sink = |event| told.lock().unwrap().push(event);
    let pacts = pacts.select(&Selection::default());
    let cases = verify(&pacts, entry, &MachineClock, &sink, &Shutdown::new())
        .await
        .unwrap();
    let told = told.into_inner().unwrap();
    assert!(told.iter().all(|e| matches!(e, Event::CaseEnded { .. })));
    cases
}

fn said(case: &Case) -> String {
    let lines: Vec<_> = case.evidence.iter().map(|e| e.what.as_str()).collect();
    lines.join("\n")
}

#[tokio::test]
async fn a_provider_that_keeps_its_contract_holds_and_each_state_is_set_and_taken_back() {
    let provider = Provider::with(&[
        ("POST /charges", 201, CHARGED),
        ("GET /charges", 200, "[]"),
        ("POST /_pact/states", 204, ""),
    ])
    .await;
    let cases = verified(&read(&fixture()).unwrap(), &provider.entry()).await;
    for case in &cases {
        assert_eq!(case.verdict, Verdict::Held, "{}", said(case));
    }
    assert_eq!(cases[0].id, "contract/orders-payments/a charge");
    assert_eq!(cases[0].evidence[0].place.as_ref().unwrap().line, 5);
    let asked = provider.asked();
    for action in ["setup", "teardown"] {
        let body = format!(
            r#"{{"consumer":"orders","state":"a card that is charged","params":{{"ending":"4242"}},"action":"{action}"}}"#
        );
        assert!(asked.contains(&body), "{asked}");
    }
    assert!(asked.contains("GET /charges?order_id=o1"), "{asked}");
    assert_eq!(asked.matches("/_pact/states").count(), 2, "{asked}");
}

#[tokio::test]
async fn a_renamed_field_fails_and_is_named_with_its_place() {
    let provider = Provider::with(&[
        (
            "POST /charges",
            201,
            r#"{"id":"any","state":"charged","amount":4999}"#,
        ),
        ("GET /charges", 200, "[]"),
        ("POST /_pact/states", 204, ""),
    ])
    .await;
    let cases = verified(&read(&fixture()).unwrap(), &provider.entry()).await;
    assert_eq!(
        (cases[0].verdict, cases[0].exit),
        (Verdict::Failed, Exit::Failed)
    );
    assert!(
        said(&cases[0]).contains("$.status: expected but missing"),
        "{}",
        said(&cases[0])
    );
    assert_eq!(cases[0].evidence[0].place.as_ref().unwrap().line, 5);
    assert_eq!(
        cases[0].repeat.as_deref(),
        Some(
            "msvc contract verify --consumer 'orders' --provider 'payments' --interaction 'a charge'"
        )
    );
    assert_eq!(cases[1].verdict, Verdict::Held);
}

#[tokio::test]
async fn another_status_and_another_value_are_told_as_expected_and_was() {
    let provider = Provider::with(&[
        (
            "POST /charges",
            409,
            r#"{"id":"any","status":"refused","amount":"4999"}"#,
        ),
        ("GET /charges", 500, r#"{"detail":"no database"}"#),
        ("POST /_pact/states", 204, ""),
    ])
    .await;
    let cases = verified(&read(&fixture()).unwrap(), &provider.entry()).await;
    let text = said(&cases[0]);
    assert!(
        text.starts_with("status: expected 201 but was 409"),
        "{text}"
    );
    assert!(text.contains("$.status: expected"), "{text}");
    assert!(text.contains("$.amount: expected"), "{text}");
    let text = said(&cases[1]);
    assert!(text.contains("status: expected 200 but was 500"), "{text}");
    assert!(text.contains("no database"), "{text}");
}

#[tokio::test]
async fn without_a_state_endpoint_the_interaction_fails_and_says_what_to_add() {
    let provider =
        Provider::with(&[("POST /charges", 201, CHARGED), ("GET /charges", 200, "[]")]).await;
    let entry = ProviderEntry {
        states_url: None,
        ..provider.entry()
    };
    let cases = verified(&read(&fixture()).unwrap(), &entry).await;
    assert_eq!(cases[0].verdict, Verdict::Failed);
    let text = said(&cases[0]);
    assert!(
        text.contains("`a card that is charged`") && text.contains("x-msvc.contract.states"),
        "{text}"
    );
    assert_eq!(
        cases[1].verdict,
        Verdict::Held,
        "an interaction without states needs no endpoint"
    );
}

#[tokio::test]
async fn a_state_without_a_handler_fails_and_so_does_a_handler_that_fails() {
    let table = [
        (404, r#"{"detail":"unknown state"}"#, "has no handler"),
        (400, "", "has no handler"),
        (500, r#"{"detail":"disk full"}"#, "disk full"),
    ];
    for (status, body, expected) in table {
        let provider = Provider::with(&[
            ("POST /charges", 201, CHARGED),
            ("GET /charges", 200, "[]"),
            ("POST /_pact/states", status, body),
        ])
        .await;
        let cases = verified(&read(&fixture()).unwrap(), &provider.entry()).await;
        assert_eq!(cases[0].verdict, Verdict::Failed);
        let text = said(&cases[0]);
        assert!(
            text.contains("`a card that is charged`") && text.contains(expected),
            "{text}"
        );
        assert!(
            !provider.asked().contains("POST /charges"),
            "nothing is asked without its state"
        );
    }
}

#[tokio::test]
async fn a_value_that_a_state_returns_reaches_the_request() {
    let provider = Provider::with(&[
        ("GET /charges/42", 200, ""),
        ("POST /_pact/states", 200, r#"{"id": 42}"#),
    ])
    .await;
    let pacts = pact(
        r#"{"consumer": {"name": "a"}, "provider": {"name": "b"}, "interactions": [{
            "description": "x", "providerStates": [{"name": "a charge"}],
            "request": {"method": "GET", "path": "/charges/1", "generators": {"path":
                {"type": "ProviderState", "expression": "/charges/${id}", "dataType": "STRING"}}},
            "response": {"status": 200}}],
            "metadata": {"pactSpecification": {"version": "3.0.0"}}}"#,
    );
    let cases = verified(&pacts, &provider.entry()).await;
    assert_eq!(cases[0].verdict, Verdict::Held, "{}", said(&cases[0]));
}

#[tokio::test]
async fn specification_two_and_three_are_verified_too() {
    for version in ["2.0.0", "3.0.0"] {
        let provider = Provider::with(&[("GET /x", 200, r#"{"n": 1}"#)]).await;
        let pacts = pact(&format!(
            r#"{{"consumer": {{"name": "a"}}, "provider": {{"name": "b"}}, "interactions": [{{
            "description": "x", "request": {{"method": "GET", "path": "/x"}},
            "response": {{"status": 200, "headers": {{"Content-Type": "application/json"}}, "body": {{"n": 2}}}}}}],
            "metadata": {{"pactSpecification": {{"version": "{version}"}}}}}}"#
        ));
        let cases = verified(&pacts, &provider.entry()).await;
        assert_eq!(cases[0].verdict, Verdict::Failed);
        assert!(
            said(&cases[0]).contains("$.n: expected 2 but was 1"),
            "{}",
            said(&cases[0])
        );
    }
}

#[tokio::test]
async fn what_is_not_verified_yet_is_named_and_never_passes() {
    let provider = Provider::with(&[]).await;
    let entry = |kind: &str, more: &str| {
        format!(
            r#"{{"consumer": {{"name": "a"}}, "provider": {{"name": "b"}}, "interactions": [{{
            "type": "{kind}", "description": "x", "request": {{"method": "GET", "path": "/"}}, "response": {{"status": 200}} {more}}}],
            "metadata": {{"pactSpecification": {{"version": "4.0"}}}}}}"#
        )
    };
    let sync = r#"{"consumer": {"name": "a"}, "provider": {"name": "b"}, "interactions": [{
            "type": "Synchronous/Messages", "description": "x", "request": {"contents": {"content": "x"}}, "response": [] TRANSPORT}],
            "metadata": {"pactSpecification": {"version": "4.0"}}}"#;
    let table = [
        (
            entry("Asynchronous/Messages", ""),
            Verdict::Inconclusive,
            "event",
        ),
        (
            sync.replace("TRANSPORT", ""),
            Verdict::Inconclusive,
            "message with answers",
        ),
        (
            sync.replace("TRANSPORT", r#", "transport": "grpc""#),
            Verdict::Inconclusive,
            "gRPC",
        ),
        (
            entry(
                "Synchronous/HTTP",
                r#", "pluginConfiguration": {"csv": {}}"#,
            ),
            Verdict::Failed,
            "plug-in `csv`",
        ),
        (
            r#"{"consumer": {"name": "a"}, "provider": {"name": "b"},
                "messages": [{"description": "x", "contents": {"n": 1}}],
                "metadata": {"pactSpecification": {"version": "3.0.0"}}}"#
                .to_owned(),
            Verdict::Inconclusive,
            "event",
        ),
    ];
    for (text, verdict, expected) in table {
        let cases = verified(&pact(&text), &provider.entry()).await;
        assert_eq!(cases[0].verdict, verdict, "{text}");
        assert!(said(&cases[0]).contains(expected), "{}", said(&cases[0]));
    }
    assert_eq!(provider.asked(), "");
}

#[tokio::test]
async fn a_pending_interaction_that_is_not_kept_is_inconclusive() {
    let provider = Provider::with(&[]).await;
    let pacts = pact(
        r#"{"consumer": {"name": "a"}, "provider": {"name": "b"}, "interactions": [{
            "type": "Synchronous/HTTP", "pending": true, "description": "x",
            "request": {"method": "GET", "path": "/x"}, "response": {"status": 200}}],
            "metadata": {"pactSpecification": {"version": "4.0"}}}"#,
    );
    let cases = verified(&pacts, &provider.entry()).await;
    assert_eq!(
        (cases[0].verdict, cases[0].exit),
        (Verdict::Inconclusive, Exit::Inconclusive)
    );
    assert!(said(&cases[0]).contains("pending"), "{}", said(&cases[0]));
}

#[tokio::test]
async fn nothing_to_verify_is_inconclusive_and_says_so() {
    let provider = Provider::with(&[]).await;
    let pacts =
        pact(r#"{"consumer": {"name": "a"}, "provider": {"name": "b"}, "interactions": []}"#);
    let cases = verified(&pacts, &provider.entry()).await;
    assert_eq!(cases[0].exit, Exit::Inconclusive);
    let selection = Selection {
        provider: Some("c".to_owned()),
        ..Selection::default()
    };
    assert!(pacts.select(&selection).is_empty());
    assert_eq!(nothing(&pacts, &selection).exit, Exit::Inconclusive);
}

#[tokio::test]
async fn a_provider_that_is_not_there_or_never_answers_fails_in_bounded_time() {
    let pacts = |path: &str| {
        pact(&format!(
            r#"{{"consumer": {{"name": "a"}}, "provider": {{"name": "b"}}, "interactions": [{{
            "description": "x", "request": {{"method": "GET", "path": "{path}"}}, "response": {{"status": 200}}}}]}}"#
        ))
    };
    let provider = Provider::with(&[]).await;
    let gone = ProviderEntry {
        base_url: "http://127.0.0.1:1".to_owned(),
        ..provider.entry()
    };
    let cases = verified(&pacts("/x"), &gone).await;
    assert_eq!(cases[0].verdict, Verdict::Failed);
    assert!(
        said(&cases[0]).contains("`b` gave no answer"),
        "{}",
        said(&cases[0])
    );
    let hasty = ProviderEntry {
        timeout: Duration::from_millis(50),
        ..provider.entry()
    };
    let cases = verified(&pacts("/hang"), &hasty).await;
    assert_eq!(cases[0].verdict, Verdict::Failed);
    assert!(
        said(&cases[0]).contains("`b` gave no answer"),
        "{}",
        said(&cases[0])
    );
}

#[tokio::test]
async fn a_shutdown_ends_a_verification_at_once() {
    choose_tls_provider();
    let provider = Provider::with(&[]).await;
    let pacts = pact(
        r#"{"consumer": {"name": "a"}, "provider": {"name": "b"}, "interactions": [{
            "description": "x", "request": {"method": "GET", "path": "/hang"}, "response": {"status": 200}}]}"#,
    );
    let shutdown = Shutdown::new();
    let stop = shutdown.clone();
    let asked = provider.asked.clone();
    tokio::spawn(async move {
        while asked.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        stop.request();
    });
    let ended = verify(
        &pacts.select(&Selection::default()),
        &provider.entry(),
        &MachineClock,
        &|_| {},
        &shutdown,
    )
    .await;
    assert!(matches!(ended, Err(VerifyError::Interrupted)));
}

#[tokio::test]
async fn an_address_that_is_no_http_url_is_refused() {
    choose_tls_provider();
    for url in ["127.0.0.1:80", "ftp://a", ""] {
        let entry = ProviderEntry {
            base_url: url.to_owned(),
            states_url: None,
            timeout: Duration::from_secs(1),
            trust_pem: None,
            again: String::new(),
        };
        let ended = verify(&[], &entry, &MachineClock, &|_| {}, &Shutdown::new()).await;
        assert!(matches!(ended, Err(VerifyError::BaseUrl { .. })), "{url}");
    }
}
