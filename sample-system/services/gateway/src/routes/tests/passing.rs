//! Requests that pass, to whom they may, and those that are refused here.

use super::*;

#[tokio::test]
async fn every_route_leads_to_the_service_that_owns_it_with_the_callers_trace_and_token() {
    let running = start(Given::default()).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let trace = [("traceparent", parent), ("baggage", "m=r.1, a = b")];
    let headers = [
        trace[0],
        trace[1],
        ("authorization", running.operator.as_str()),
        ("idempotency-key", "k1"),
    ];
    for (method, path, body, reached) in ROUTES {
        let answer = running.ask_with(method, path, body, &headers).await;
        assert!(
            answer.status().as_u16() < 500,
            "{path}: {}",
            answer.status()
        );
        let seen = running.seen.last();
        assert!(
            seen.line == format!("{method} {reached} {body}") || seen.line.starts_with(reached),
            "{path}: {}",
            seen.line
        );
        assert_eq!(seen.trace(), TraceContext::from_pairs(trace), "{path}");
        assert_eq!(seen.headers["authorization"], running.operator, "{path}");
        assert_eq!(seen.headers["idempotency-key"], "k1", "{path}");
        let left = ["request-timeout-ms", "grpc-timeout"];
        assert!(
            left.iter().any(|left| seen.headers.contains_key(*left)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_request_without_a_trace_gets_a_fresh_one() {
    let running = start(Given::default()).await;
    for (method, path, body, _) in ROUTES {
        running.as_operator(method, path, body).await;
        let fresh = TraceContext::default().or_fresh(7 << 64 | 7, 7);
        assert_eq!(running.seen.last().trace(), fresh, "{path}");
    }
}

#[tokio::test]
async fn each_route_is_open_to_whom_the_table_says_and_nothing_leaves_for_others() {
    let running = start(Given::default()).await;
    // The table's own routes, so that one that nobody thought of here is asked too.
    for route in table::read("routes.toml", table::PACKED).unwrap() {
        let method = route.method.as_str();
        let path = &route.path.replace("{sku}", "lamp").replace("{id}", "o-1");
        let good = ROUTES
            .iter()
            .find(|(on, at, ..)| *on == method && at.split('?').next() == Some(path));
        let body = good.map_or("", |(.., body, _)| *body);
        let (nobody, customer) = match route.who {
            table::Who::Anyone => (true, true),
            table::Who::SignedIn => (false, true),
            table::Who::Operator => (false, false),
        };
        let before = running.seen.count();
        let answer = running.ask_with(method, path, body, &[]).await;
        assert_eq!(running.seen.count() > before, nobody, "{method} {path}");
        if !nobody {
            assert_eq!(answer.status(), 401, "{path}");
            assert!(answer.headers().contains_key("www-authenticate"), "{path}");
            assert_eq!(json(answer).await["status"], 401, "{path}");
        }
        let before = running.seen.count();
        let token = [("authorization", running.customer.as_str())];
        let answer = running.ask_with(method, path, body, &token).await;
        assert_eq!(running.seen.count() > before, customer, "{method} {path}");
        if !customer {
            assert_eq!(answer.status(), 403, "{path}");
        }
        let forged = format!("{}x", running.operator);
        let answer = running
            .ask_with(method, path, body, &[("authorization", forged.as_str())])
            .await;
        assert_eq!(answer.status() == 401, !nobody, "{method} {path}");
    }
}

#[tokio::test]
async fn a_request_and_its_answer_pass_as_they_are_but_for_what_is_of_one_connection() {
    let running = start(Given::default()).await;
    let headers = [
        ("authorization", running.customer.as_str()),
        ("Idempotency-Key", "k1"),
        ("X-Test-Halt-Before", "charged"),
        ("accept-language", "de"),
        ("cookie", "c=1"),
        ("x-forwarded-for", "10.0.0.1"),
        ("te", "trailers"),
        ("connection", "close, x-test-halt-before"),
        ("request-timeout-ms", "5000"),
    ];
    let body = r#"{"sku": "lamp"}"#;
    let answer = running.ask_with("POST", "/orders", body, &headers).await;
    assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["retry-after"], "3");
    for hidden in ["x-inside", "set-cookie"] {
        assert!(!answer.headers().contains_key(hidden), "{hidden}");
    }
    assert_eq!(json(answer).await, json!({"status": 418}));
    let seen = running.seen.last();
    assert_eq!(seen.headers["accept-language"], "de");
    assert_eq!(seen.headers["content-type"], "application/json");
    for dropped in ["cookie", "x-forwarded-for", "te", "x-test-halt-before"] {
        assert!(!seen.headers.contains_key(dropped), "{dropped}");
    }
    let left: u64 = seen.headers["request-timeout-ms"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(left <= 5000, "{left}");
    let halting = [headers[0], headers[2]];
    running.ask_with("POST", "/orders", body, &halting).await;
    assert_eq!(running.seen.last().headers["x-test-halt-before"], "charged");
}

#[tokio::test]
async fn stock_is_http_here_and_grpc_behind() {
    let running = start(Given::default()).await;
    let path = "/items/lamp/stock";
    let set = running.as_operator("PUT", path, r#"{"units":12}"#).await;
    assert_eq!(set.status(), 200);
    assert_eq!(json(set).await, json!({"sku": "lamp", "available": 12}));
    let shown = running.ask("GET", path, &[]).await;
    assert_eq!(shown.status(), 404);
    assert_eq!(json(shown).await["detail"], "item lamp was never stocked");
    for bad in [r#"{"units":-1}"#, r#"{"units":1.5}"#, "{}", "12"] {
        let answer = running.as_operator("PUT", path, bad).await;
        assert_eq!(answer.status(), 400, "{bad}");
    }
    let bare = running.as_operator("PUT", path, "").await;
    assert_eq!(bare.status(), 415);
}

#[tokio::test]
async fn units_out_of_bounds_are_told_the_bounds_also_where_no_integer_holds_them() {
    let running = start(Given::default()).await;
    for units in [
        "-1",
        "1.5",
        "1000000001",
        "4294967296",
        "18446744073709551616",
    ] {
        let body = format!(r#"{{"units":{units}}}"#);
        let answer = running.as_operator("PUT", "/items/lamp/stock", &body).await;
        assert_eq!(answer.status(), 400, "{units}");
        let detail = json(answer).await["detail"].to_string();
        assert!(detail.contains("give 0 to 1000000000"), "{units}: {detail}");
    }
    assert_eq!(running.seen.count(), 0, "nothing came to inventory");
    let most = r#"{"units":1000000000}"#;
    let answer = running.as_operator("PUT", "/items/lamp/stock", most).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn what_cannot_be_passed_on_is_refused_here() {
    let running = start(Given::default()).await;
    let large = format!("\"{}\"", "x".repeat(70_000));
    for (method, path, body, status) in [
        ("POST", "/orders", large.as_str(), 413),
        ("GET", "/v1/items/..%2Fsecret", "", 400),
        ("GET", "/orders/..%2F..%2Fsecret", "", 404),
        ("GET", "/orders/a%3Fb/charges", "", 404),
        ("GET", "/orders/a%26order_id=b/charges", "", 404),
        ("GET", "/nowhere", "", 404),
        ("GET", "/charges", "", 404),
        ("DELETE", "/orders", "", 405),
    ] {
        let answer = running.as_operator(method, path, body).await;
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(json(answer).await["status"], status, "{path}");
    }
    assert_eq!(running.seen.count(), 0);
}

#[tokio::test]
async fn a_caller_that_asks_too_often_is_told_when_to_come_again() {
    let running = start(Given {
        settings: &[
            ("ACCOUNT_RATE", "1"),
            ("ACCOUNT_BURST", "2"),
            ("ANONYMOUS_RATE", "1"),
            ("ANONYMOUS_BURST", "1"),
        ],
        ..Given::default()
    })
    .await;
    let token = [("authorization", running.customer.as_str())];
    // A second may pass while this runs, on a machine that is busy: a third or fourth may get in.
    let mut refused = None;
    for _ in 0..20 {
        let answer = running.ask("GET", "/orders", &token).await;
        if answer.status() == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("one is refused");
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(json(refused).await["status"], 429);
    let before = running.seen.count();
    let answer = running.as_operator("GET", "/orders", "").await;
    assert_ne!(answer.status(), 429, "an operator has a bucket of its own");
    assert_eq!(running.seen.count(), before + 1);
    let text = running.metrics().await;
    assert!(
        text.contains(r#"rate_limited_total{who="account"} 1"#),
        "{text}"
    );
}

#[test]
fn the_table_and_the_contract_tell_of_the_same_routes_and_of_who_may_ask() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../contracts/openapi/gateway.yaml"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let contract: Value = serde_yaml::from_str(&text).unwrap();
    let mut told = Vec::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if method == "parameters" || operation["tags"] == json!(["health"]) {
                continue;
            }
            let who = match &operation["responses"] {
                answers if answers.get("403").is_some() => table::Who::Operator,
                _ if operation.get("security").is_some() => table::Who::SignedIn,
                _ => table::Who::Anyone,
            };
            told.push(format!("{} {path} {who:?}", method.to_uppercase()));
            // What is made needs a key, what is put may have one, and nothing else is written.
            let key = match (method.as_str(), path.as_str()) {
                ("post", "/tokens") | ("get", _) => None,
                ("post", _) => Some("#/components/parameters/Key"),
                _ => Some("#/components/parameters/OptionalKey"),
            };
            let named = operation["parameters"].as_array().into_iter().flatten();
            let named = named.filter_map(|it| it["$ref"].as_str());
            let found = named
                .filter(|name| name.ends_with("Key"))
                .collect::<Vec<_>>();
            assert_eq!(
                found,
                key.into_iter().collect::<Vec<_>>(),
                "{method} {path}"
            );
        }
    }
    let routes = table::read("routes.toml", table::PACKED).unwrap();
    let line = |route: &Route| format!("{} {} {:?}", route.method, route.path, route.who);
    let mut routed: Vec<_> = routes.iter().map(line).collect();
    told.sort();
    routed.sort();
    assert_eq!(routed, told);
}

#[test]
fn the_limits_as_shipped_are_the_default_ones() {
    let config = read("http://a", "http://b", &Given::default());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.queue, QueueLimits::default());
    assert_eq!(config.bugs, Bugs::none());
    assert_eq!(
        BUGS,
        [Bug::MissingFallback, Bug::RetryStorm, Bug::NoTimeout]
    );
}
