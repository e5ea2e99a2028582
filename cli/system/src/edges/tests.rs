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
            edge.port
                .map_or_else(|| "?".to_owned(), |port| port.to_string()),
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
fn what_is_run_at_a_services_start_and_end_makes_edges_too() {
    let text = r#"services:
  web:
    image: web
    post_start:
      - command: [curl, "http://api:9000/ready"]
        environment: {DB: "postgres://db:5432/x"}
    pre_stop:
      - command: curl http://queue:4222/drain
  api: {image: api}
  db: {image: db}
  queue: {image: queue}
"#;
    assert_eq!(
        edges(text),
        "web->api:9000 command@5\nweb->db:5432 DB@5\nweb->queue:4222 command@8"
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
  a: {image: a, environment: {B: 'b:31', SELF: 'a:37'}, expose: ['3', '8-9', 5/udp], ports: ['80:2']}
  b: {image: b, x-msvc: {process: {port: {'4': LISTEN}}}}
  c: {image: c, depends_on: [b], links: ['a:x']}
";
    let system = load(text).system;
    assert_eq!(system.service("a").unwrap().listens, [2, 3, 8, 9, 37]);
    assert_eq!(system.service("b").unwrap().listens, [4, 31]);
    assert!(
        edges(text).ends_with(
            "c->b:4 depends_on@4\nc->b:31 depends_on@4\nc->a:2 links@4\nc->a:3 links@4\n\
             c->a:8 links@4\nc->a:9 links@4\nc->a:37 links@4"
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
fn names_without_bound_are_refused_or_passed_over_in_little_time() {
    // An alias that all have, which each names often.
    let mut text = "services:\n".to_owned();
    let value: String = (100..400).map(|port| format!("x:{port},")).collect();
    for i in 0..400 {
        text.push_str(&format!(
            "  b{i}: {{image: b, hostname: x, environment: {{A: '{value}'}}}}\n"
        ));
    }
    let problems = problems_of(&text);
    assert!(problems.contains("more than"), "{problems}");
    // Pairs, options and hosts that each would look at all the others.
    let pairs = "host=b;".repeat(50_000);
    let words = "--b-host b ".repeat(50_000);
    let hosts: String = (0..5000).map(|i| format!("K{i}_HOST: b, ")).collect();
    let text = format!(
        "services:\n  a: {{image: a, environment: {{P: '{pairs}', {hosts}}}, command: '{words}'}}\n  b: {{image: b}}\n"
    );
    assert_eq!(load(&text).system.edges.len(), 1);
}

#[test]
fn edges_without_bound_are_refused() {
    let mut text = "services:\n  a: {image: a, expose: ['1-60000']}\n".to_owned();
    for i in 0..5 {
        text.push_str(&format!("  b{i}: {{image: b, depends_on: [a]}}\n"));
    }
    assert!(problems_of(&text).contains("more than 50000 edges"));
}

#[test]
fn what_only_waits_or_shares_calls_nobody_and_what_has_ended_is_not_called() {
    let text = "services:
  job: {image: job, expose: [80]}
  disk: {image: disk, expose: [80], volumes: ['data:/data']}
  net: {image: net, expose: [80]}
  web:
    image: web
    depends_on: {job: {condition: service_completed_successfully}, net: {condition: service_started}}
    volumes_from: [disk]
  guest: {image: guest, network_mode: 'service:net'}
volumes: {data: {}}
";
    assert_eq!(edges(text), "web->net:80 depends_on@7");
}

#[test]
fn an_edge_whose_port_nothing_tells_of_is_an_edge() {
    let text = "services:
  web: {image: web, depends_on: [db], environment: {CACHE_HOST: cache}, links: [db]}
  db: {image: db}
  cache: {image: cache}
";
    assert_eq!(
        edges(text),
        "web->cache:? CACHE_HOST@2\nweb->db:? depends_on@2 links@2"
    );
}

#[test]
fn other_names_of_a_service_are_its_own_and_a_link_means_the_one_it_names() {
    let text = "services:
  web:
    image: web
    links: ['b:store']
    environment: {A: 'http://one:81', B: 'http://two:82', C: 'http://three:83', D: 'store:84'}
  a: {image: a, container_name: one, hostname: two}
  b: {image: b, networks: {default: {aliases: [three]}}}
  c: {image: c, networks: {default: {aliases: [store]}}}
networks: {default: {}}
";
    assert_eq!(
        edges(text),
        "web->a:81 A@5\nweb->a:82 B@5\nweb->b:83 C@5 links@4\nweb->b:84 D@5 links@4"
    );
}

#[test]
fn versions_counts_kinds_and_visitors_are_no_addresses() {
    let text = "services:
  web:
    image: web
    expose: [3000]
    environment:
      VARIANT: redis:7
      WORKERS: worker:4
      CACHE_BACKEND: redis
      RABBITMQ_DEFAULT_VHOST: redis
      ALLOWED_HOSTS: worker,web
      CORS_ALLOWED_ORIGINS: http://worker:3000
      SERVICES: worker
    command: [worker, redis, '4', --image=redis:21]
  redis: {image: redis}
  worker: {image: worker}
";
    assert_eq!(edges(text), "");
}

#[test]
fn scripts_pairs_healthchecks_and_inline_configs_name_services() {
    let text = "services:
  web:
    image: web
    environment: {DATABASE: 'Server=db;Port=5433;Database=cache', X_HOST: cache, X_WEB_PORT: 81}
    command: sh -c 'until nc -z db 5434; do sleep 1; done; run --cache-host cache'
    healthcheck: {test: 'curl http://api:90/up'}
    configs: [proxy]
  db: {image: db}
  cache: {image: cache, expose: [81, 82]}
  api: {image: api}
configs:
  proxy: {content: 'proxy_pass http://api:91;'}
";
    assert_eq!(
        edges(text),
        "web->db:5433 DATABASE@4\nweb->cache:81 X_HOST@4 command@5\nweb->api:91 config proxy@12\n\
         web->db:5434 command@5\nweb->cache:82 command@5\nweb->api:90 healthcheck@6"
    );
}
