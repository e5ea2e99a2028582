//! The broker: in whatever words the source sends to one, and what is no sending.

use crate::support::repository::Repository;
use crate::whole::{Change, Files, compose, each, source, write};

const NOT: &str = "not-ready";
const PARTLY: &str = "partly";
const READY: &str = "ready";

const KAFKA: &str = "  kafka: {image: 'apache/kafka:3'}\n";

#[test]
fn a_used_broker_is_known_by_the_words_of_many_clients() {
    let mut repository = Repository::new();
    let runs = |repository: &Repository, image: &str| {
        let compose = format!("services:\n  broker: {{image: '{image}'}}\n");
        repository.write("compose.yaml", &compose);
    };
    let kafka = "apache/kafka:3";
    for (image, path, text) in [
        (
            kafka,
            "orders/main.py",
            "from confluent_kafka import Producer, Consumer\np.produce(\"t\", b\"1\")\nc.subscribe([\"t\"])\n",
        ),
        (
            "rabbitmq:4",
            "orders/main.py",
            "from celery import Celery\n@app.task\ndef add(): pass\nadd.delay(1)\n",
        ),
        (
            kafka,
            "orders/Events.java",
            "@KafkaClient\ninterface Sends { @Topic(\"a\") void send(String a); }\n@KafkaListener\nclass Reads {}\n",
        ),
        (
            kafka,
            "orders/Main.cs",
            "new ProducerBuilder<Null, string>(c).Build();\nnew ConsumerBuilder<Null, string>(c).Build();\n",
        ),
        (
            kafka,
            "orders/index.js",
            "await kafka.producer().send({});\nawait kafka.consumer().run({ eachMessage });\n",
        ),
        (
            "rabbitmq:4",
            "orders/main.rb",
            "require 'bunny'\nx.publish('a', routing_key: q.name)\nq.subscribe do |d, p, b|\nend\n",
        ),
        (
            kafka,
            "orders/A.java",
            "import org.springframework.cloud.stream.function.StreamBridge;\nclass A {\n  void a() { streamBridge.send(\"a\", 1); }\n  @Bean\n  public Consumer<String> in() { return it -> {}; }\n}\n",
        ),
    ] {
        runs(&repository, image);
        repository.write(path, text);
        repository.commit("ann");
        let standings = repository.standings();
        assert_eq!(standings["message-broker"], "ready", "{text}");
        std::fs::remove_file(repository.path().join(path)).unwrap();
    }
    repository.write("orders/main.py", "import asyncio\ntask.delay(1)\n");
    repository.commit("ann");
    assert_eq!(repository.standings()["message-broker"], "not-ready");
}

#[test]
fn a_broker_is_not_used_by_words_in_texts_or_outside_every_part() {
    let mut repository = Repository::new();
    repository.write(
        "compose.yaml",
        "services:\n  kafka: {image: 'apache/kafka:3'}\n  orders: {build: ./orders}\n",
    );
    repository.write("orders/Dockerfile", "FROM scratch\n");
    repository.commit("ann");
    for (path, text) in [
        (
            "orders/known.go",
            "package a\nvar known = []string{\"KafkaProducer\", \"KafkaConsumer\"}\n",
        ),
        (
            "orders/main.py",
            "def a():\n    \"\"\"\n    KafkaProducer\n    KafkaConsumer\n    \"\"\"\n",
        ),
        (
            "orders/main.py",
            "print(\"no KafkaProducer and no KafkaConsumer here\")\n",
        ),
        (
            "tools/m.py",
            "from kafka import KafkaProducer, KafkaConsumer\n",
        ),
    ] {
        repository.write(path, text);
        repository.commit("ann");
        let standings = repository.standings();
        assert_eq!(standings["message-broker"], "not-ready", "{text}");
        std::fs::remove_file(repository.path().join(path)).unwrap();
    }
    let clients = "from kafka import KafkaProducer, KafkaConsumer\nKafkaProducer().send('t')\nKafkaConsumer('t')\n";
    repository.write("orders/main.py", clients);
    repository.commit("ann");
    assert_eq!(repository.standings()["message-broker"], "ready");
}

#[test]
fn redis_and_masstransit_are_brokers_where_the_source_publishes_and_scripts_are_no_pipelines() {
    let mut repository = Repository::new();
    let compose = "services:\n  cache: {image: 'redis:7'}\n";
    repository.write("compose.yaml", compose);
    repository.write(".ci/release", "#!/usr/bin/env bash\necho 1\n");
    repository.write("orders/a.py", "import redis\nr.get(\"a\")\n");
    repository.commit("ann");
    let said = repository.ready(&[]).expect(1).stdout;
    assert!(!said.contains("this pipeline has no steps"), "{said}");
    assert_eq!(repository.standings()["message-broker"], "not-ready");
    let text = "import redis\nr.publish(\"a\", 1)\np = r.pubsub()\np.subscribe(\"a\")\n";
    repository.write("orders/a.py", text);
    repository.commit("ann");
    assert_eq!(repository.standings()["message-broker"], "ready");
    let compose = "services:\n  queue: {image: 'rabbitmq:3'}\n";
    repository.write("compose.yaml", compose);
    repository.write("orders/a.py", "import os\n");
    let text = "using MassTransit;\nx.UsingRabbitMq();\nawait bus.Publish(new A());\nclass R : IConsumer<A> {}\n";
    repository.write("orders/A.cs", text);
    repository.commit("ann");
    assert_eq!(repository.standings()["message-broker"], "ready");
}

/// Another broker.
fn broker(files: &mut Files, service: &str) {
    compose(files, KAFKA, service);
}

const BROKERS: &[Change] = &[
    ("as it is", READY, |_| {}),
    ("none", PARTLY, |it| broker(it, "")),
    ("a console of one", PARTLY, |it| {
        broker(it, "  ui: {image: 'provectuslabs/kafka-ui'}\n")
    }),
    ("an exporter of one", PARTLY, |it| {
        broker(it, "  ex: {image: 'danielqsj/kafka-exporter'}\n")
    }),
    ("what one needs", PARTLY, |it| {
        broker(it, "  zookeeper: {image: 'zookeeper:3'}\n")
    }),
    ("one behind a profile", PARTLY, |it| {
        broker(it, "  kafka: {image: kafka, profiles: [never]}\n")
    }),
    ("one of insurances", PARTLY, |it| {
        broker(it, "  broker: {build: ./brk}\n")
    }),
    (
        "one that is built here and that a part is told of",
        READY,
        |it| {
            broker(it, "  broker: {build: ./brk}\n");
            compose(
                it,
                "environment: {",
                "environment: {KAFKA_BROKERS: 'broker:9092', ",
            );
        },
    ),
    ("one of another kind", PARTLY, |it| {
        broker(it, "  queue: {image: 'rabbitmq:4'}\n")
    }),
    ("a client of another kind", PARTLY, |it| {
        source(
            it,
            "import pika\nchannel.basic_publish('x')\nchannel.basic_consume('x')\n",
        );
    }),
    ("both of that kind", READY, |it| {
        broker(it, "  queue: {image: 'rabbitmq:4'}\n");
        source(
            it,
            "import pika\nchannel.basic_publish('x')\nchannel.basic_consume('x')\n",
        );
    }),
    ("one in a file beside, which -f names", READY, |it| {
        broker(it, "");
        let text = format!("services:\n{KAFKA}");
        write(it, "compose.full.yaml", &text);
    }),
    ("one that a part of such a file reads", READY, |it| {
        source(
            it,
            "from kafka import KafkaProducer\nKafkaProducer().send('t', b'1')\n",
        );
        write(
            it,
            "bills/app.py",
            "from kafka import KafkaConsumer\nKafkaConsumer('t')\n",
        );
        write(
            it,
            "compose.full.yaml",
            "services: {bills: {build: ./bills}}\n",
        );
    }),
    ("one that is built on a broker's image", READY, |it| {
        broker(
            it,
            "  queue: {build: {context: ., dockerfile: '${FILE:-q/Dockerfile}'}}\n",
        );
        write(it, "q/Dockerfile", "FROM apache/kafka:4 AS a\nFROM a\n");
    }),
    ("one beside a container to develop in", READY, |it| {
        let text = it.remove("compose.yaml").unwrap();
        let text = text.replace("build: ./", "build: ../../");
        write(it, "deploy/local/compose.yaml", &text);
        write(
            it,
            ".devcontainer/docker-compose.yaml",
            "services: {dev: {build: .}}\n",
        );
    }),
    ("a bus within a program", NOT, |it| {
        broker(it, "");
        source(it, "print('hello')\n");
        write(
            it,
            "orders/bus.ex",
            "Phoenix.PubSub.subscribe(MyApp.PubSub, \"a\")\n",
        );
    }),
    ("one that a chart brings", READY, |it| {
        broker(it, "");
        let chart = "name: shop\ndependencies:\n  - {name: kafka, version: 1.x.x}\n";
        write(it, "charts/shop/Chart.yaml", chart);
    }),
    ("one that a chart's values switch off", PARTLY, |it| {
        broker(it, "");
        let chart = "dependencies: [{name: kafka, condition: kafka.enabled}]\n";
        write(it, "chart/Chart.yaml", chart);
        write(it, "chart/values.yaml", "kafka: {enabled: false}\n");
    }),
    ("one that a chart's tags switch off", PARTLY, |it| {
        broker(it, "");
        let chart = "dependencies: [{name: kafka, tags: [messages, all]}]\n";
        write(it, "chart/Chart.yaml", chart);
        write(it, "chart/values.yaml", "tags: {messages: false}\n");
    }),
    ("one that a tag or a condition switches on", READY, |it| {
        broker(it, "");
        let chart =
            "dependencies: [{name: kafka, tags: [messages, all], condition: kafka.enabled}]\n";
        write(it, "chart/Chart.yaml", chart);
        let values = "tags: {messages: false, all: false}\nkafka: {enabled: true}\n";
        write(it, "chart/values.yaml", values);
    }),
    ("a file beside that cannot be read", "inconclusive", |it| {
        broker(it, "");
        let broken = "services:\n  queue: {image: [\n";
        write(it, "compose.full.yaml", broken);
    }),
    ("another kind's chart", PARTLY, |it| {
        broker(it, "");
        let chart = "dependencies: [{name: rabbitmq}, {name: kafka-ui}]\n";
        write(it, "chart/Chart.yaml", chart);
    }),
    ("a chart's broker that nothing uses", NOT, |it| {
        broker(it, "");
        write(it, "Chart.yaml", "dependencies: [{name: kafka}]\n");
        source(it, "print('hello')\n");
    }),
    ("words that only look like it", NOT, |it| {
        source(
            it,
            "film.producer.send(letter)\nclass ConsumerGroupDiscount: pass\n",
        );
    }),
    ("a client that is taken in and not used", PARTLY, |it| {
        source(it, "from kafka import KafkaConsumer, KafkaProducer\n");
    }),
    ("a client in code that never runs", NOT, |it| {
        source(
            it,
            "if False:\n    KafkaProducer()\nif 0:\n    KafkaConsumer()\n",
        );
    }),
];

#[test]
fn a_broker_is_what_the_source_speaks_to() {
    each("message-broker", BROKERS);
}
