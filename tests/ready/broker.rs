//! The broker: in whatever words the source sends to one, and what is no sending.

use crate::support::repository::Repository;

#[test]
fn a_used_broker_is_known_by_the_words_of_many_clients() {
    let mut repository = Repository::new();
    repository.write(
        "compose.yaml",
        "services:\n  kafka: {image: 'apache/kafka:3'}\n",
    );
    repository.commit("ann");
    for (path, text) in [
        (
            "orders/main.py",
            "from confluent_kafka import Producer, Consumer\nc.subscribe([\"t\"])\n",
        ),
        (
            "orders/main.py",
            "from celery import Celery\n@app.task\ndef add(): pass\nadd.delay(1)\n",
        ),
        (
            "orders/Main.cs",
            "new ProducerBuilder<Null, string>(c).Build();\nnew ConsumerBuilder<Null, string>(c).Build();\n",
        ),
        (
            "orders/index.js",
            "await kafka.producer().send({});\nawait kafka.consumer().run({ eachMessage });\n",
        ),
    ] {
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
    let clients = "from kafka import KafkaProducer, KafkaConsumer\n";
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
