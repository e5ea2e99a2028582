//! Evidence that stands elsewhere than in the source of a part: in how it is built or started, in
//! documents for a cluster, in another repository, outside of any.

use crate::support::repository::Repository;
use crate::whole::{Change, Files, compose, each, files, put, source, without, write};

const NOT: &str = "not-ready";
const PARTLY: &str = "partly";
const READY: &str = "ready";

/// Source that logs in a structured form and traces nothing.
const LOGS: &str = "import structlog\nstructlog.get_logger().info('x')\n";

/// The parts built in one context, by Dockerfiles that stand beside their source.
fn from_the_root(files: &mut Files) {
    for part in ["orders", "users"] {
        let own = format!("build: ./{part}\n");
        let of_root = format!("build: {{context: ., dockerfile: {part}/Dockerfile}}\n");
        compose(files, &own, &of_root);
        write(files, &format!("{part}/Dockerfile"), "FROM x\n");
    }
    write(files, "shared/setup.py", "print('no part')\n");
}

/// The same file in both parts, whose source traces nothing.
fn in_both(files: &mut Files, name: &str, text: &str) {
    source(files, LOGS);
    for part in ["orders", "users"] {
        write(files, &format!("{part}/{name}"), text);
    }
}

const TRACES: &[Change] = &[
    ("no traces", PARTLY, |it| source(it, LOGS)),
    ("an agent in the settings", READY, |it| {
        source(it, LOGS);
        compose(
            it,
            "environment: {",
            "environment: {JAVA_TOOL_OPTIONS: '-javaagent:/o/opentelemetry-javaagent.jar', ",
        );
    }),
    ("a launcher in the Dockerfile", READY, |it| {
        let text = "FROM x\nCMD [\"opentelemetry-instrument\", \"python\", \"app.py\"]\n";
        in_both(it, "Dockerfile", text);
    }),
    ("a launcher that is only installed", PARTLY, |it| {
        let text =
            "FROM x\nRUN pip install opentelemetry-instrumentation\nCMD [\"python\", \"a.py\"]\n";
        in_both(it, "Dockerfile", text);
    }),
    ("an agent that is only fetched", PARTLY, |it| {
        in_both(
            it,
            "get.sh",
            "curl -O https://x/opentelemetry-javaagent.jar\n",
        );
    }),
    ("a register in a script", READY, |it| {
        let text = "{\"scripts\": {\"start\": \"node --require @opentelemetry/auto-instrumentations-node/register a.js\"}}\n";
        in_both(it, "package.json", text);
    }),
    ("a dependency", PARTLY, |it| {
        let text = "{\"dependencies\": {\"@opentelemetry/auto-instrumentations-node\": \"1\"}}\n";
        in_both(it, "package.json", text);
    }),
    ("Spring Boot that is told to", READY, |it| {
        in_both(
            it,
            "pom.xml",
            "<artifactId>micrometer-tracing-bridge-otel</artifactId>\n",
        );
        in_both(
            it,
            "src/main/resources/application.yml",
            "management:\n  tracing:\n    sampling: {probability: 1.0}\n",
        );
    }),
    ("Spring Boot that is told nothing", PARTLY, |it| {
        in_both(
            it,
            "pom.xml",
            "<artifactId>micrometer-tracing-bridge-otel</artifactId>\n",
        );
        in_both(
            it,
            "src/main/resources/application.yml",
            "# management:\n#   tracing:\n",
        );
    }),
    ("settings without what would trace", PARTLY, |it| {
        in_both(
            it,
            "src/main/resources/application.properties",
            "management.tracing.sampling.probability=1.0\n",
        );
    }),
];

#[test]
fn a_part_is_traced_by_what_it_is_started_with() {
    each("observability", TRACES);
}

/// No Compose file's broker, and this document for Kubernetes.
fn in_a_cluster(files: &mut Files, text: &str) {
    without(files, "kafka:");
    write(files, "k8s/broker.yaml", text);
}

const BROKERS: &[Change] = &[
    ("none", PARTLY, |it| without(it, "kafka:")),
    ("an operator's", READY, |it| {
        in_a_cluster(
            it,
            "apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nmetadata: {name: k}\n",
        );
    }),
    ("another's kind of that name", PARTLY, |it| {
        in_a_cluster(
            it,
            "apiVersion: example.org/v1\nkind: Kafka\nmetadata: {name: k}\n",
        );
    }),
    ("a workload", READY, |it| {
        in_a_cluster(
            it,
            "kind: StatefulSet\nmetadata: {name: k}\nspec: {template: {spec: {containers: [{name: k, image: 'apache/kafka:3'}]}}}\n",
        );
    }),
    ("a workload without replicas", PARTLY, |it| {
        in_a_cluster(
            it,
            "kind: StatefulSet\nmetadata: {name: k}\nspec: {replicas: 0, template: {spec: {containers: [{name: k, image: 'apache/kafka:3'}]}}}\n",
        );
    }),
    ("another broker than the source speaks to", PARTLY, |it| {
        in_a_cluster(
            it,
            "apiVersion: rabbitmq.com/v1beta1\nkind: RabbitmqCluster\nmetadata: {name: r}\n",
        );
    }),
];

#[test]
fn a_broker_of_a_cluster_is_one() {
    each("message-broker", BROKERS);
}

const GATEWAYS: &[Change] = &[
    ("built of a folder of the root's context", READY, |it| {
        from_the_root(it);
        without(it, "labels:");
        without(it, "gateway:");
        compose(
            it,
            "services:\n",
            "services:\n  gateway:\n    build: {context: ., dockerfile: edge/Dockerfile}\n    ports: ['80:80']\n",
        );
        write(it, "edge/Program.cs", "b.Services.AddOcelot();\n");
        let route = |host: &str| format!("{{\"Downstream\": [{{\"Host\": \"{host}\"}}]}}");
        let routes = format!("[{}, {}]\n", route("ORDERS"), route("users"));
        write(it, "edge/ocelot.json", &routes);
    }),
    ("pages that it hands out", NOT, |it| {
        without(it, "labels:");
        without(it, "gateway:");
        compose(
            it,
            "services:\n",
            "services:\n  nginx: {image: nginx, ports: ['80:80'], volumes: ['./site:/usr/share/nginx/html']}\n",
        );
        write(
            it,
            "site/index.html",
            "<a href='http://orders:80'>http://users:80</a>\n",
        );
        write(
            it,
            "site/app.js",
            "fetch('http://orders:80'); fetch('http://users:80')\n",
        );
    }),
];

#[test]
fn a_gateway_routes_by_what_it_is_built_of_and_not_by_what_it_hands_out() {
    each("api-gateway", GATEWAYS);
}

/// What one check says, in one line a piece.
fn said(repository: &Repository, number: usize) -> (String, String) {
    let done = repository.ready(&["--format", "json", "--fail-on", "never"]);
    let check = done.expect(0).json()["detail"]["checks"][number].clone();
    let evidence = check["evidence"].as_array().unwrap();
    let told = evidence.iter().map(|it| {
        let file = it["place"]["file"].as_str().unwrap_or_default();
        let file = file.rsplit('/').next().unwrap_or(file);
        format!(
            "{file}:{} {}\n",
            it["place"]["line"],
            it["what"].as_str().unwrap()
        )
    });
    (
        check["standing"].as_str().unwrap().to_owned(),
        told.collect(),
    )
}

#[test]
fn parts_that_are_built_in_one_context_are_known_by_their_dockerfiles() {
    let mut repository = Repository::new();
    let mut all = files();
    from_the_root(&mut all);
    put(&repository, &all);
    repository.commit("ann");
    let (_, told) = said(&repository, 0);
    let wanted = "2 contexts, built by the Compose file: orders, users\n";
    assert!(told.contains(wanted), "{told}");
}

#[test]
fn each_part_of_one_pipeline_is_delivered_by_its_own_stage() {
    let mut repository = Repository::new();
    let mut all = files();
    all.retain(|path, _| !path.starts_with(".github"));
    let stage = |part: &str, run: &str| {
        format!(
            "  stage('{part}') {{ when {{ changeset \"{part}/**\" }}\n   steps {{ sh '{run}' }} }}\n"
        )
    };
    for (run, standing) in [("make -C users", PARTLY), ("docker push r/users", READY)] {
        let stages = stage("orders", "docker push r/orders") + &stage("users", run);
        let text = format!("pipeline {{ agent any\n stages {{\n{stages} }} }}\n");
        write(&mut all, "Jenkinsfile", &text);
        put(&repository, &all);
        repository.commit("ann");
        let (found, told) = said(&repository, 1);
        assert_eq!(found, standing, "{run}: {told}");
        let orders = "Jenkinsfile:4 orders has a pipeline that its own paths trigger\n";
        assert!(told.contains(orders), "{told}");
    }
    let users = "Jenkinsfile:6 users has a pipeline that its own paths trigger\n";
    let (_, told) = said(&repository, 1);
    assert!(told.contains(users), "{told}");
}

#[test]
fn what_stands_in_another_repository_or_outside_of_any_is_not_judged() {
    let mut part = Repository::new();
    part.write(
        "app.py",
        "from kafka import KafkaProducer\nKafkaProducer().send('a')\n",
    );
    part.commit("ann");
    let mut repository = Repository::new();
    let from = part.path().display().to_string();
    for name in ["orders", "users"] {
        let add = [
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "add",
            "-q",
            &from,
            name,
        ];
        repository.git(&add, "ann");
    }
    repository.write(
        "compose.yaml",
        "services:\n  orders: {build: ./orders}\n  users: {build: ./users}\n",
    );
    let outside = part.path().join("app.py");
    std::os::unix::fs::symlink(outside, repository.path().join("link.py")).unwrap();
    repository.commit("ann");
    let (standing, told) = said(&repository, 1);
    assert_eq!(standing, "inconclusive", "{told}");
    for name in ["orders", "users"] {
        let one = format!("{name}:1 is a submodule, whose files are another repository's\n");
        assert!(told.contains(&one), "{told}");
    }
    let (standing, told) = said(&repository, 4);
    assert_eq!(standing, "inconclusive", "{told}");
    assert!(!told.contains("link.py"), "{told}");
}

#[test]
fn those_who_are_programs_by_their_names_are_left_out() {
    let mut repository = Repository::new();
    repository.changes(60, &["orders", "users"], &["jenkins", "release-bot"]);
    let (standing, told) = said(&repository, 0);
    assert_eq!(standing, "inconclusive", "{told}");
    assert!(
        told.contains("0 of 60 commits are usable, below 50: 0 merges, 60 by bots"),
        "{told}"
    );
}

#[test]
fn included_files_are_of_the_system_and_patterns_of_a_makefile_are_targets() {
    let mut repository = Repository::new();
    let mut all = files();
    without(&mut all, "kafka:");
    compose(
        &mut all,
        "services:\n",
        "include: [deploy/broker.yaml, {path: [deploy/more.yaml]}]\nservices:\n",
    );
    write(
        &mut all,
        "deploy/broker.yaml",
        "services: {kafka: {image: 'apache/kafka:3'}}\n",
    );
    write(&mut all, "deploy/more.yaml", "include: [broker.yaml]\n");
    crate::whole::workflows(&mut all, "", "- run: make ship-PART");
    write(
        &mut all,
        "Makefile",
        "ship-%:\n\tdocker build -t r/$* $* && docker push r/$*\n",
    );
    put(&repository, &all);
    repository.commit("ann");
    for number in [1, 4] {
        let (standing, told) = said(&repository, number);
        assert_eq!(standing, READY, "{told}");
    }
    let (_, told) = said(&repository, 4);
    assert!(told.contains("broker.yaml:1 kafka is a broker\n"), "{told}");
}

#[test]
fn source_in_signs_of_another_time_is_read() {
    let mut repository = Repository::new();
    put(&repository, &files());
    for part in ["orders", "users"] {
        let path = repository.path().join(part).join("app.py");
        let mut text = b"# gr\xfc\xdfe\n".to_vec();
        text.extend(std::fs::read(&path).unwrap());
        std::fs::write(&path, text).unwrap();
    }
    repository.commit("ann");
    let (standing, told) = said(&repository, 2);
    assert_eq!(standing, READY, "{told}");
    assert!(
        told.contains("app.py:3 orders: traces (`opentelemetry`)\n"),
        "{told}"
    );
}
