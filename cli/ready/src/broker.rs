//! Brokers that run: services of the Compose file, and what documents for Kubernetes run or ask an
//! operator for.

use std::collections::BTreeSet;

use msvc_system::yaml::{self, Node};

use crate::client::Kind;
use crate::compose::{Service, Setting};
use crate::finding::Finding;
use crate::kubernetes::documents;
use crate::repository::Repository;

/// Images that are brokers, by their whole last name, and what they are; a console, an exporter or
/// what a broker needs beside it is none.
const IMAGES: [(Kind, &[&str]); 12] = [
    (
        "Kafka",
        &[
            "kafka",
            "cp-kafka",
            "cp-server",
            "kafka-native",
            "redpanda",
            "fast-data-dev",
        ],
    ),
    ("RabbitMQ", &["rabbitmq", "lavinmq"]),
    ("NATS", &["nats", "nats-server", "nats-streaming"]),
    ("Pulsar", &["pulsar", "pulsar-all"]),
    (
        "MQTT",
        &[
            "mosquitto",
            "eclipse-mosquitto",
            "emqx",
            "hivemq4",
            "hivemq-ce",
            "vernemq",
        ],
    ),
    (
        "ActiveMQ",
        &[
            "activemq",
            "activemq-classic",
            "activemq-artemis",
            "artemis",
        ],
    ),
    (
        "AWS",
        &["localstack", "elasticmq", "elasticmq-native", "goaws"],
    ),
    (
        "Pub/Sub",
        &["pubsub-emulator", "gcloud-pubsub-emulator", "pubsub"],
    ),
    ("Service Bus", &["servicebus-emulator", "servicebus"]),
    ("NSQ", &["nsq", "nsqd"]),
    ("RocketMQ", &["rocketmq"]),
    (
        "Redis",
        &[
            "redis",
            "redis-stack",
            "redis-stack-server",
            "valkey",
            "keydb",
        ],
    ),
];

/// What a setting that leads to a broker is called, or how its address begins.
const SETTINGS: [(Kind, &[&str]); 6] = [
    ("Kafka", &["kafka"]),
    ("RabbitMQ", &["rabbit", "amqp"]),
    ("NATS", &["nats"]),
    ("Pulsar", &["pulsar"]),
    ("MQTT", &["mqtt"]),
    ("ActiveMQ", &["activemq", "artemis", "jms"]),
];

/// Kinds of documents by which an operator runs a broker.
const OPERATED: [(Kind, &str, &str); 5] = [
    ("Kafka", "Kafka", "kafka.strimzi.io"),
    ("Kafka", "Kafka", "platform.confluent.io"),
    ("Kafka", "Redpanda", "cluster.redpanda.com"),
    ("RabbitMQ", "RabbitmqCluster", "rabbitmq.com"),
    ("ActiveMQ", "ActiveMQArtemis", "broker.amq.io"),
];

/// The kinds of broker that run. Redis is one where a client uses it as one, which `speaks` tells.
#[must_use]
pub fn running(
    repository: &Repository,
    speaks: &BTreeSet<Kind>,
    finding: &mut Finding,
) -> BTreeSet<Kind> {
    let mut found = composed(repository, speaks, finding);
    found.extend(in_a_cluster(repository, speaks, finding));
    found.extend(in_a_chart(repository, speaks, finding));
    found
}

/// Those of the Compose file.
fn composed(
    repository: &Repository,
    speaks: &BTreeSet<Kind>,
    finding: &mut Finding,
) -> BTreeSet<Kind> {
    let mut found = BTreeSet::new();
    let services: Vec<&Service> = repository
        .compose
        .iter()
        .flat_map(|it| it.services.iter().chain(&it.variants))
        .collect();
    for service in &services {
        let image = service.kind();
        let name = service.name.to_lowercase();
        // An image that a variable names is known by its service alone.
        let below = service.made_of();
        let is_it = |it: &str| {
            it == image || (image.contains('$') && it == name) || below.as_deref() == Some(it)
        };
        let of_image = IMAGES
            .iter()
            .find(|(_, names)| names.iter().any(|it| is_it(it)));
        let by_image = of_image.map(|(kind, _)| *kind);
        let by_setting = || {
            let others = services.iter().filter(|other| other.name != service.name);
            others
                .flat_map(|other| &other.settings)
                .find_map(|it| leads(it, &service.name))
        };
        let Some(kind) = by_image.or_else(by_setting) else {
            continue;
        };
        if kind == "Redis" && !speaks.contains(kind) {
            continue;
        }
        let said = match service.idle {
            Some(why) => format!("{} is a broker, but {why}", service.name),
            None => {
                found.insert(kind);
                format!("{} is a broker", service.name)
            }
        };
        finding.saw_at(service.place.clone(), said);
    }
    found
}

/// Which broker a setting takes a host for.
fn leads(setting: &Setting, host: &str) -> Option<Kind> {
    let key = setting.key.as_deref()?.to_lowercase();
    let value = setting.value.to_lowercase();
    if value.starts_with("http") || !crate::compose::leads_to(&setting.value, host) {
        return None;
    }
    let named = |words: &&[&str]| {
        words
            .iter()
            .any(|word| key.contains(word) || value.starts_with(&format!("{word}:")))
    };
    SETTINGS
        .iter()
        .find(|(_, words)| named(words))
        .map(|(kind, _)| *kind)
}

/// Those of a cluster.
fn in_a_cluster(
    repository: &Repository,
    speaks: &BTreeSet<Kind>,
    finding: &mut Finding,
) -> BTreeSet<Kind> {
    let mut found = BTreeSet::new();
    for document in documents(&repository.tree) {
        let Some(node) = &document.node else { continue };
        let version = node.get("apiVersion").and_then(Node::text);
        let version = version.unwrap_or_default();
        let operated = OPERATED.iter().find(|(_, kind, group)| {
            document.kind == *kind && version.starts_with(&format!("{group}/"))
        });
        let is_idle = node.at("/spec/replicas").and_then(Node::text).as_deref() == Some("0");
        let images = document.images();
        let mut images = images.iter().filter(|_| document.is_workload() && !is_idle);
        let of_image = images.find_map(|image| kind_of(last_name(image)));
        let kind = operated.map(|(kind, ..)| *kind).or(of_image);
        let Some(kind) = kind.filter(|it| *it != "Redis" || speaks.contains(it)) else {
            continue;
        };
        let name = document.name().unwrap_or_else(|| document.kind.clone());
        finding.saw_at(
            document.place(&repository.tree),
            format!("{name} is a broker"),
        );
        found.insert(kind);
    }
    found
}

/// Those that a chart of Helm's brings with it, as far as its own values do not switch them off.
fn in_a_chart(
    repository: &Repository,
    speaks: &BTreeSet<Kind>,
    finding: &mut Finding,
) -> BTreeSet<Kind> {
    let tree = &repository.tree;
    let mut found = BTreeSet::new();
    for file in &tree.texts {
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        if !["Chart.yaml", "requirements.yaml"].contains(&name) {
            continue;
        }
        let read =
            |path: &str, text: &str| yaml::parse(&tree.root.join(path), text.as_bytes()).ok();
        let Some(chart) = read(&file.path, &file.text) else {
            continue;
        };
        let values = match folder {
            "" => "values.yaml".to_owned(),
            folder => format!("{folder}/values.yaml"),
        };
        let values = tree.text(&values).and_then(|it| read(&it.path, &it.text));
        for dependency in chart
            .get("dependencies")
            .map(Node::items)
            .unwrap_or_default()
        {
            let name = dependency.get("name").and_then(Node::text);
            let name = name.unwrap_or_default();
            let Some(kind) = kind_of(&name) else { continue };
            if kind == "Redis" && !speaks.contains(kind) {
                continue;
            }
            let conditions = dependency.get("condition").and_then(Node::text);
            // The first of them that the values know decides.
            let is_on = conditions
                .iter()
                .flat_map(|it| it.split(','))
                .find_map(|it| {
                    let pointer = format!("/{}", it.trim().replace('.', "/"));
                    values.as_ref()?.at(&pointer)?.as_bool()
                });
            let is_on = is_on.or_else(|| by_tags(dependency, values.as_ref()?));
            let said = match is_on {
                Some(false) => {
                    format!("the chart's {name} is a broker, but its values switch it off")
                }
                _ => {
                    found.insert(kind);
                    format!("the chart brings {name}, which is a broker")
                }
            };
            finding.saw_at(dependency.place.clone(), said);
        }
    }
    found
}

/// Whether the tags of a dependency switch it on: one that is on does, else one that is off puts it off.
fn by_tags(dependency: &Node, values: &Node) -> Option<bool> {
    let tags = dependency.get("tags").map(Node::items).unwrap_or_default();
    let said = tags
        .iter()
        .filter_map(|tag| values.get("tags")?.get(&tag.text()?)?.as_bool());
    said.reduce(|one, other| one || other)
}

/// The kind of broker that an image is, by its last name.
fn kind_of(name: &str) -> Option<Kind> {
    let found = IMAGES.iter().find(|(_, names)| names.contains(&name));
    found.map(|(kind, _)| *kind)
}

/// `registry:5000/team/kafka:3.7` is `kafka`.
fn last_name(image: &str) -> &str {
    let image = image.rsplit('/').next().unwrap_or(image);
    image.split([':', '@']).next().unwrap_or(image)
}
