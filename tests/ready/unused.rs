//! Gateways, plans and collectors that are there in name only, and those that are used.

use crate::whole::{Change, Files, compose, each, source, without, write};

const NOT: &str = "not-ready";
const PARTLY: &str = "partly";
const READY: &str = "ready";

const TRAEFIK: &str =
    "  gateway: {image: 'traefik:3', ports: ['80:80'], depends_on: [orders, users]}\n";
const COLLECTOR: &str = "  collector: {image: 'otel/opentelemetry-collector:1'}\n";

/// Another gateway, without the labels that only the first reads.
fn gateway(files: &mut Files, with: &str) {
    without(files, "labels:");
    compose(files, TRAEFIK, with);
}

/// No gateway, and a decision.
fn decided(files: &mut Files, path: &str, text: &str) {
    gateway(files, "");
    let more = "More of what stands in such a text, so that it is long enough. ".repeat(4);
    write(files, path, &format!("{text}\n\n{more}\n"));
}

/// Documents for Kubernetes alone.
fn ingress(files: &mut Files, text: &str) {
    files.remove("compose.yaml");
    write(files, "k8s/ingress.yaml", text);
}

const NGINX: &str = "  nginx: {image: 'nginx:1', ports: ['80:80']}\n";
const ROUTES: &str =
    "location /o { proxy_pass http://orders; }\nlocation /u { proxy_pass http://users:80; }\n";

const GATEWAYS: &[Change] = &[
    ("one that another file has", READY, |it| {
        gateway(
            it,
            "  gateway: {extends: {file: edge/base.yaml, service: edge}}\n",
        );
        write(it, "edge/nginx.conf", ROUTES);
        write(
            it,
            "edge/base.yaml",
            "services:\n  edge: {image: 'nginx:1', ports: ['80:80'], volumes: ['./nginx.conf:/etc/nginx/nginx.conf']}\n",
        );
    }),
    (
        "one that is built on a gateway's image, with routes",
        READY,
        |it| {
            gateway(
                it,
                "  edge: {build: ./edge, ports: ['80:80'], environment: {A: 'http://orders', B: 'http://users'}}\n",
            );
            write(it, "edge/Dockerfile", "FROM envoyproxy/envoy:1\n");
        },
    ),
    ("files that are served on a gateway's image", NOT, |it| {
        gateway(
            it,
            "  site: {build: ./site, ports: ['80:80'], depends_on: [orders]}\n",
        );
        write(it, "site/Dockerfile", "FROM nginx:1\nCOPY . /srv\n");
    }),
    ("a part's port on loopback alone", READY, |it| {
        compose(
            it,
            "build: ./orders",
            "build: ./orders\n    ports: ['127.0.0.1:8080:80', '[::1]:8080:80', {target: 80, host_ip: 127.0.0.1, published: 81}]",
        );
    }),
    (
        "a part's port on loopback, and one elsewhere",
        PARTLY,
        |it| {
            compose(
                it,
                "build: ./orders",
                "build: ./orders\n    ports: ['${BIND:-127.0.0.1}:8080:80', '127:80']",
            );
        },
    ),
    ("as it is", READY, |_| {}),
    ("none", NOT, |it| gateway(it, "")),
    ("a start order alone", PARTLY, |it| without(it, "labels:")),
    ("settings that lead to the parts", READY, |it| {
        gateway(
            it,
            "  gateway: {build: ./edge, ports: ['80:80'], environment: {O: 'http://orders:8080', U: 'http://users'}}\n",
        );
    }),
    (
        "an image whose source stands here and leads to the parts",
        READY,
        |it| {
            gateway(
                it,
                "  way-in: {image: 'acme/edge-gateway:1', ports: ['80:80']}\n",
            );
            compose(it, "build: ./orders", "image: 'acme/orders:1'");
            compose(it, "build: ./users", "image: 'acme/users:1'");
            write(
                it,
                "edge-gateway/app.py",
                "ORDERS = 'http://orders:8080'\nUSERS = 'http://users:8080'\n",
            );
        },
    ),
    ("a file that it is given", READY, |it| {
        gateway(
            it,
            "  nginx: {image: 'nginx:1', ports: ['80:80'], volumes: ['./edge:/etc/nginx:ro']}\n",
        );
        write(it, "edge/nginx.conf", ROUTES);
    }),
    ("a file that it is not given", PARTLY, |it| {
        gateway(it, NGINX);
        write(it, "nginx/nginx.conf", ROUTES);
    }),
    ("a file whose comments lead there", NOT, |it| {
        gateway(it, NGINX);
        write(
            it,
            "nginx/nginx.conf",
            "events {}\n# proxy_pass http://orders;\n",
        );
    }),
    ("a text that speaks of it", NOT, |it| {
        gateway(it, NGINX);
        write(
            it,
            "nginx/README.md",
            "One day http://orders and http://users.\n",
        );
    }),
    ("words of a command", NOT, |it| {
        gateway(
            it,
            "  nginx: {image: 'nginx:1', ports: ['80:80'], command: [echo, no orders]}\n",
        );
    }),
    ("a gateway for messages", NOT, |it| {
        gateway(
            it,
            "  sms-gateway: {image: 'acme/sms-gateway:1', depends_on: [kafka]}\n",
        );
    }),
    ("a gateway for payments that calls one part", PARTLY, |it| {
        gateway(
            it,
            "  payment-gateway: {build: ./pay, environment: {ORDERS_URL: 'http://orders'}}\n",
        );
    }),
    ("one that leads to the broker", NOT, |it| {
        gateway(
            it,
            "  nginx: {image: 'nginx:1', ports: ['80:80'], depends_on: [kafka]}\n",
        );
    }),
    ("one behind a profile", NOT, |it| {
        compose(it, "depends_on: [orders, users]}", "profiles: [never]}")
    }),
    ("one without a port", PARTLY, |it| {
        compose(it, "ports: ['80:80'], ", "")
    }),
    ("a port past it in a file of overrides", PARTLY, |it| {
        write(
            it,
            "compose.override.yaml",
            "services:\n  orders: {ports: ['81:80']}\n",
        );
    }),
    ("the host's network past it", PARTLY, |it| {
        compose(
            it,
            "build: ./orders\n",
            "build: ./orders\n    network_mode: host\n",
        )
    }),
    ("a port past it of a part that is an image", PARTLY, |it| {
        compose(
            it,
            "build: ./orders\n",
            "image: acme/orders\n    ports: ['81:80']\n",
        );
    }),
    ("an ingress to two", READY, |it| {
        let path =
            |part: &str| format!("{{path: /{part}, backend: {{service: {{name: {part}}}}}}}");
        let paths = format!("[{}, {}]", path("orders"), path("users"));
        ingress(
            it,
            &format!("kind: Ingress\nspec: {{rules: [{{http: {{paths: {paths}}}}}]}}\n"),
        );
    }),
    ("an ingress to nothing", NOT, |it| {
        ingress(it, "kind: Ingress\nmetadata: {name: x}\n# backend later\n");
    }),
    ("an ingress without rules", NOT, |it| {
        ingress(
            it,
            "kind: Ingress\nmetadata: {name: x, labels: {tier: backend}}\nspec: {rules: []}\n",
        );
    }),
    ("a decision for one", READY, |it| {
        decided(
            it,
            "docs/adr/7-in.md",
            "# 7. Put an API gateway before the parts\n\nStatus: accepted",
        );
    }),
    ("a decision that is proposed", PARTLY, |it| {
        decided(
            it,
            "docs/adr/7-in.md",
            "# 7. Put an API gateway before the parts\n\nStatus: proposed",
        );
    }),
    ("a decision against one", NOT, |it| {
        decided(
            it,
            "docs/adr/7-in.md",
            "# 7. API gateway\n\nStatus: rejected\n\nWe will not have an API gateway.",
        );
    }),
    ("a decision for payments", NOT, |it| {
        decided(
            it,
            "docs/adr/7-pay.md",
            "# 7. Use Stripe as payment gateway\n\nStatus: accepted",
        );
    }),
    ("a decision that saw a bad gateway", NOT, |it| {
        decided(
            it,
            "docs/adr/7-db.md",
            "# 7. Use Postgres\n\nStatus: accepted\n\nA 502 Bad Gateway was seen.",
        );
    }),
    ("the template of decisions", NOT, |it| {
        decided(
            it,
            "docs/adr/template.md",
            "# Title\n\nStatus: accepted\n\nWhich API gateway, for example.",
        );
    }),
    ("source in a folder of that name", NOT, |it| {
        decided(
            it,
            "lib/rfc/status.py",
            "CODES = {502: 'Bad Gateway', 504: 'API gateway timeout'}",
        );
    }),
];

/// No collector, but a setting of the part's.
fn uncollected(files: &mut Files, with: &str) {
    compose(files, COLLECTOR, "");
    without(files, "OTEL_EXPORTER");
    compose(
        files,
        "    build: ./orders\n",
        &format!("    build: ./orders\n{with}"),
    );
}

/// Another collector than the one that the parts send to.
fn beside(files: &mut Files, service: &str) {
    uncollected(files, "");
    let file = files.get_mut("compose.yaml").unwrap();
    file.push_str(service);
}

fn java(files: &mut Files, build: &str) {
    let text = "import org.slf4j.Logger;\nimport io.opentelemetry.api.trace.Span;\nclass A {}\n";
    for part in ["orders", "users"] {
        files.remove(&format!("{part}/app.py"));
        write(files, &format!("{part}/A.java"), text);
        write(files, &format!("{part}/pom.xml"), build);
    }
}

const COLLECTED: &[Change] = &[
    ("as it is", READY, |_| {}),
    ("none", PARTLY, |it| uncollected(it, "")),
    ("one that nobody sends to", PARTLY, |it| {
        without(it, "OTEL_EXPORTER")
    }),
    ("one that the source sends to", READY, |it| {
        without(it, "OTEL_EXPORTER");
        let text = it["orders/app.py"].replace(
            "producer = ",
            "e = OTLPSpanExporter('http://collector:4317')\nproducer = ",
        );
        write(it, "orders/app.py", &text);
    }),
    ("one behind a profile", PARTLY, |it| {
        compose(it, "collector:1'}", "collector:1', profiles: [never]}")
    }),
    ("one without replicas", PARTLY, |it| {
        compose(it, "collector:1'}", "collector:1', scale: 0}")
    }),
    ("one elsewhere", READY, |it| {
        compose(it, COLLECTOR, "");
        compose(it, "http://collector:4317", "https://otlp.example.org");
    }),
    ("a driver that drops logs", PARTLY, |it| {
        uncollected(it, "    logging: {driver: none}\n")
    }),
    ("a driver that keeps logs there", PARTLY, |it| {
        uncollected(it, "    logging: {driver: json-file}\n")
    }),
    ("a driver that sends logs away", READY, |it| {
        uncollected(it, "    logging: {driver: gelf}\n")
    }),
    ("levels of a framework", PARTLY, |it| {
        uncollected(it, "");
        write(
            it,
            "orders/src/main/resources/application.yml",
            "logging:\n  level: {root: INFO}\n",
        );
    }),
    ("a page about logging", PARTLY, |it| {
        uncollected(it, "");
        write(it, "mkdocs.yml", "nav:\n  - Logging: logging.md\n");
    }),
    ("a part that is called an agent", PARTLY, |it| {
        beside(it, "  agent: {build: ./orders}\n")
    }),
    ("a database for vectors", PARTLY, |it| {
        beside(it, "  db: {image: 'acme/vector-db:1'}\n")
    }),
    ("what only shows", PARTLY, |it| {
        beside(it, "  grafana: {image: 'grafana/grafana:10'}\n")
    }),
    ("what only stores", PARTLY, |it| {
        beside(it, "  elasticsearch: {image: 'elasticsearch:8'}\n")
    }),
    ("what fetches by itself", READY, |it| {
        beside(
            it,
            "  promtail: {image: 'grafana/promtail:3', volumes: ['/var/log:/var/log']}\n",
        );
    }),
    ("names that only look like it", NOT, |it| {
        source(
            it,
            "class XrayImage: pass\nspinoff = 2\npinot_noir = 1\ndef no_opentelemetry_here(): pass\n",
        );
    }),
    ("code that never runs", NOT, |it| {
        source(
            it,
            "if False:\n    import structlog\n    from opentelemetry import trace\n",
        );
    }),
    ("logs in plain text", PARTLY, |it| java(it, "<project/>\n")),
    ("plain logs, and no more", PARTLY, |it| {
        java(it, "<project/>\n");
        for part in ["orders", "users"] {
            write(
                it,
                &format!("{part}/A.java"),
                "import org.slf4j.Logger;\nclass A {}\n",
            );
        }
    }),
    ("logs that a part's build makes JSON", READY, |it| {
        java(it, "<artifactId>logstash-logback-encoder</artifactId>\n");
    }),
];

#[test]
fn a_gateway_leads_to_the_parts_or_is_decided_on() {
    each("api-gateway", GATEWAYS);
}

#[test]
fn what_collects_is_sent_to() {
    each("observability", COLLECTED);
}
