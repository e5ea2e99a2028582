//! What makes an edge, and what does not.

use crate::load::testing::{load, problems_of};

/// The edges of a file, one per line: `caller->callee:port reasons`.
fn edges(text: &str) -> String {
    let system = load(text).system;
    let lines = system.edges.iter().map(|edge| {
        let reasons: Vec<_> = edge
            .reasons
            .iter()
            .map(|reason| format!("{reason}@{}", reason.place().line))
            .collect();
        format!(
            "{}->{}:{} {}",
            edge.caller,
            edge.callee,
            edge.port,
            reasons.join(" ")
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_reason_makes_an_edge_and_is_remembered() {
    let text = r#"services:
  web:
    image: web
    ports: ["8080:80"]
    environment:
      API: http://api:9000/x
      DB_HOST: db
      DB_PORT: 5432
      DB_NAME: cache
    command: ["serve", "--cache", "cache:6379"]
    depends_on: [api]
  api:
    image: api
    environment: [QUEUE=queue]
    x-msvc: {calls: ["db:5432", {service: queue, port: 4222, key: QUEUE}]}
  db: {image: db}
  cache: {image: cache}
  queue: {image: queue}
"#;
    assert_eq!(
        edges(text),
        "client->web:80 ports@4\n\
         web->api:9000 API@6 depends_on@11\n\
         web->db:5432 DB_HOST@7\n\
         web->cache:6379 command@10\n\
         api->db:5432 x-msvc.calls@15\n\
         api->queue:4222 x-msvc.calls@15 QUEUE@14"
    );
}

#[test]
fn a_value_that_equals_a_service_is_no_address_unless_its_key_says_so() {
    let text = "services:
  gitea:
    image: gitea
    expose: [3000]
    environment: {POSTGRES_DB: db, USER: db, SERVICE_NAME: db, TOPIC: db, DB_IMAGE: 'db:16'}
  db: {image: db, expose: [5432]}
";
    assert_eq!(edges(text), "");
}

#[test]
fn an_address_of_a_port_that_is_open_for_udp_alone_makes_it_no_port_of_tcp() {
    let text = "services:
  a: {image: a, environment: {STATS: 'stats:8125', DNS: 'dns:53', X: 'dns:853'}}
  stats: {image: b, expose: [8125/udp]}
  dns: {image: c, ports: ['53:53/udp', '1053:53']}
";
    let system = load(text).system;
    let stats = system.service("stats").unwrap();
    assert_eq!((&stats.listens, &stats.datagrams), (&vec![], &vec![8125]));
    let dns = system.service("dns").unwrap();
    assert_eq!(dns.listens, [53, 853]);
    assert_eq!(dns.told, [853]);
    assert!(
        edges(text).contains("a->stats:8125 STATS@2"),
        "{}",
        edges(text)
    );
}

#[test]
fn ports_that_anybody_names_are_listened_on() {
    let text = "services:
  a: {image: a, environment: {B: 'b:1', SELF: 'a:7'}, expose: ['3', '8-9', 5/udp], ports: ['80:2']}
  b: {image: b, x-msvc: {process: {port: {'4': LISTEN}}}}
  c: {image: c, depends_on: [b], links: ['a:x']}
";
    let system = load(text).system;
    assert_eq!(system.service("a").unwrap().listens, [2, 3, 7, 8, 9]);
    assert_eq!(system.service("b").unwrap().listens, [1, 4]);
    assert!(
        edges(text).ends_with(
            "c->b:1 depends_on@4\nc->b:4 depends_on@4\nc->a:2 depends_on@4\nc->a:3 depends_on@4\n\
         c->a:7 depends_on@4\nc->a:8 depends_on@4\nc->a:9 depends_on@4"
        ),
        "{}",
        edges(text)
    );
}

#[test]
fn where_a_caller_names_ports_its_order_of_start_adds_no_others() {
    let text = "services:
  web:
    image: web
    x-msvc: {calls: ['mailbox:8080']}
    depends_on: [mailbox, db]
  mailbox: {image: m, expose: [2525, 8080]}
  db: {image: db, expose: [1, 2]}
";
    assert_eq!(
        edges(text),
        "web->mailbox:8080 x-msvc.calls@4 depends_on@5\nweb->db:1 depends_on@5\nweb->db:2 depends_on@5"
    );
}

#[test]
fn edges_without_bound_are_refused() {
    let mut text = "services:\n  a: {image: a, expose: ['1-60000']}\n".to_owned();
    for i in 0..5 {
        text.push_str(&format!("  b{i}: {{image: b, depends_on: [a]}}\n"));
    }
    assert!(problems_of(&text).contains("more than 50000 edges"));
}
