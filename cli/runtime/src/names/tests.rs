//! Tables of what is rewritten and what is left, and the property that nothing else changes.

use proptest::prelude::*;

use super::*;

fn names() -> Names {
    let listens: [(&str, &[u16]); 5] = [
        ("orders", &[8080]),
        ("db", &[5432]),
        ("broker", &[9092]),
        ("mailbox", &[8080, 2525]),
        ("quiet", &[]),
    ];
    let mut names = Names::default();
    for (name, ports) in listens {
        let service: ServiceName = name.parse().unwrap();
        names.by_name.insert(name.to_owned(), service.clone());
        names.ports.insert(service, ports.to_vec());
    }
    names
}

fn rewrite(key: &str, value: &str) -> String {
    rewrite_with(key, value, &[], None, false)
}

fn rewrite_with(
    key: &str,
    value: &str,
    calls: &[Call],
    port_beside: Option<u16>,
    in_healthcheck: bool,
) -> String {
    let owner: ServiceName = "orders".parse().unwrap();
    let references = names().references(&Setting {
        owner: &owner,
        key,
        value,
        calls,
        port_beside,
        in_healthcheck,
    });
    substitute(value, &references, |reference, port| {
        let last = match reference.callee.as_str() {
            "orders" => 1,
            "db" => 2,
            "broker" => 3,
            _ => 4,
        };
        Some(SocketAddr::from(([127, 64, 0, last], port)))
    })
}

#[test]
fn addresses_become_the_edge_and_all_else_stays() {
    let table = [
        (
            "DB_URL",
            "postgres://u:orders@db:5432/orders?x=db",
            "postgres://u:orders@127.64.0.2:5432/orders?x=db",
        ),
        (
            "DB_URL",
            "postgres://orders:db@db/orders",
            "postgres://orders:db@127.64.0.2:5432/orders",
        ),
        (
            "DATABASE",
            "postgres://db/orders",
            "postgres://127.64.0.2:5432/orders",
        ),
        (
            "BROKERS",
            "broker:9092,other:9092, broker:9092",
            "127.64.0.3:9092,other:9092, 127.64.0.3:9092",
        ),
        (
            "LISTENERS",
            "PLAINTEXT://broker:9092",
            "PLAINTEXT://127.64.0.3:9092",
        ),
        (
            "LISTENERS",
            "PLAINTEXT://broker",
            "PLAINTEXT://127.64.0.3:9092",
        ),
        ("SMTP", "mailbox:2525", "127.64.0.4:2525"),
        ("SELF", "http://orders:8080", "http://127.64.0.1:8080"),
        // A bare name only where the key says host.
        ("DB_HOST", "db", "127.64.0.2"),
        ("DB_HOSTS", "db, broker", "127.64.0.2, 127.64.0.3"),
        ("CACHE_SERVER", "broker", "127.64.0.3"),
        ("POSTGRES_DB", "orders", "orders"),
        (
            "CORS_ALLOWED_ORIGINS",
            "http://orders:8080",
            "http://orders:8080",
        ),
        ("DB_USER", "db", "db"),
        ("TOPIC", "orders", "orders"),
        ("OTEL_SERVICE_NAME", "orders", "orders"),
        ("ROLE", "db", "db"),
        ("MODE", "db", "db"),
        ("HOSTNAME", "orders", "orders"),
        // What is no address of theirs.
        ("ORDERS_TOPIC", "orders:8080", "orders:8080"),
        ("IMAGE_REF", "orders:3", "orders:3"),
        (
            "URL",
            "http://my-orders:8080/orders",
            "http://my-orders:8080/orders",
        ),
        (
            "URL",
            "http://orders.example:8080",
            "http://orders.example:8080",
        ),
        // `http` means 80, where orders does not listen.
        ("URL", "http://orders/", "http://orders/"),
        ("QUIET_URL", "http://quiet:80", "http://quiet:80"),
        ("QUIET_HOST", "quiet", "quiet"),
    ];
    for (key, from, to) in table {
        assert_eq!(rewrite(key, from), to, "{key}={from}");
    }
}

#[test]
fn calls_that_name_key_and_callee_make_a_bare_name_an_address() {
    let call = Call {
        service: "db".parse().unwrap(),
        port: Some(5432),
        key: Some("STORE".into()),
        place: msvc_system::problem::Place {
            file: "compose.yaml".into(),
            line: 1,
            column: 1,
        },
    };
    let calls = [call];
    assert_eq!(
        rewrite_with("STORE", "db", &calls, None, false),
        "127.64.0.2"
    );
    assert_eq!(
        rewrite_with("STORE", "broker", &calls, None, false),
        "broker"
    );
    assert_eq!(rewrite_with("OTHER", "db", &calls, None, false), "db");
}

#[test]
fn a_bare_name_means_the_port_beside_it_else_every_port() {
    let owner: ServiceName = "orders".parse().unwrap();
    let ports = |port_beside| {
        let setting = Setting {
            owner: &owner,
            key: "MAIL_HOST",
            value: "mailbox",
            calls: &[],
            port_beside,
            in_healthcheck: false,
        };
        names().references(&setting)[0].ports.clone()
    };
    assert_eq!(ports(Some(2525)), [2525]);
    assert_eq!(ports(None), [8080, 2525]);
}

#[test]
fn in_a_healthcheck_localhost_is_the_service_itself() {
    let table = [
        (
            "http://localhost:8080/healthz",
            "http://127.64.0.1:8080/healthz",
        ),
        (
            "curl -f http://127.0.0.1:8080/ || exit 1",
            "curl -f http://127.64.0.1:8080/ || exit 1",
        ),
        ("nc -z localhost 8080", "nc -z 127.64.0.1 8080"),
        ("</dev/tcp/localhost/8080", "</dev/tcp/127.64.0.1/8080"),
        ("http://localhost:$PORT/", "http://127.64.0.1:$PORT/"),
        ("http://localhost:9999/", "http://localhost:9999/"),
    ];
    for (from, to) in table {
        assert_eq!(rewrite_with("", from, &[], None, true), to, "{from}");
        assert_eq!(rewrite_with("", from, &[], None, false), from, "{from}");
    }
}

#[test]
fn a_rewriting_shows_no_password() {
    for (text, shown) in [
        (
            "postgres://u:secret@db:5432/x",
            "postgres://u:***@db:5432/x",
        ),
        ("http://db:5432/x@y:z", "http://db:5432/x@y:z"),
        ("a://u:s@b:1,c://v:t@d:2", "a://u:***@b:1,c://v:***@d:2"),
        ("plain", "plain"),
    ] {
        assert_eq!(without_password(text), shown);
    }
}

proptest! {
    #[test]
    fn rewriting_never_changes_a_value_that_names_no_service(
        key in "[A-Z_]{0,12}",
        value in "(\\PC|[:/@,= ]|http://|[a-z]{1,6}:[0-9]{1,4}){0,24}",
    ) {
        let named = ["orders", "db", "broker", "mailbox", "quiet"];
        prop_assume!(!named.iter().any(|name| value.contains(name)));
        prop_assert_eq!(rewrite(&key, &value), value);
    }

    #[test]
    fn rewriting_changes_nothing_around_the_names(
        before in "[ -~]{0,12}", after in "[ -~]{0,12}", key in "[A-Z_]{0,12}",
    ) {
        let named = ["orders", "db", "broker", "mailbox", "quiet"];
        prop_assume!(!named.iter().any(|name| before.contains(name) || after.contains(name)));
        let value = format!("{before}db:5432{after}");
        let rewritten = rewrite(&key, &value);
        prop_assert_eq!(rewritten.replace("127.64.0.2", "db"), value);
    }
}
