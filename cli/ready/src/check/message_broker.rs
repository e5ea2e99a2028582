//! A message broker for asynchronous communication, actually used: a broker that runs, and a
//! client of it in the source that sends or reads.

use crate::finding::{Finding, Standing};
use crate::repository::Repository;
use crate::tree::{Hit, Tree, is_source, is_test};

/// What brokers are called, as images or as services.
const BROKERS: [&str; 16] = [
    "kafka",
    "redpanda",
    "rabbitmq",
    "nats",
    "pulsar",
    "activemq",
    "artemis",
    "mosquitto",
    "emqx",
    "nsqd",
    "rocketmq",
    "zookeeper",
    "servicebus",
    "pubsub",
    "localstack",
    "broker",
];

/// Words of source that sends.
const SENDS: [&str; 26] = [
    "producerbuilder<",
    ".producer().",
    "import producer",
    "send_task(",
    "kafkaproducer",
    "kafkatemplate",
    "futureproducer",
    "baseproducer",
    "producerrecord",
    "producer.send",
    "kafka.writer",
    "newproducer",
    "newsyncproducer",
    "basic_publish",
    "basicpublish",
    "channel.publish",
    "rabbittemplate",
    "sendtoqueue",
    "nats.connect",
    "js.publish",
    "nc.publish",
    "publishendpoint",
    "sns.publish",
    "sqs.send_message",
    ".produce(",
    "streambridge",
];

/// Words of source that reads.
const READS: [&str; 24] = [
    "consumerbuilder<",
    ".consumer().",
    ".subscribe([\"",
    ".subscribe(['",
    "kafkaconsumer",
    "@kafkalistener",
    "streamconsumer",
    "baseconsumer",
    "consumer.subscribe",
    "kafka.newreader",
    "kafka.reader",
    "newconsumer",
    "consumergroup",
    "basic_consume",
    "basicconsume",
    "channel.consume",
    "@rabbitlistener",
    "nc.subscribe",
    "js.subscribe",
    "queuesubscribe",
    "iconsumer<",
    "receive_message",
    ".subscribe(&[",
    "eachmessage",
];

/// Celery's own words, which mean it only where it is imported: it names no broker in the code that
/// sends and reads.
const CELERY: [&str; 2] = ["from celery", "import celery"];
const CELERY_SENDS: [&str; 2] = [".delay(", ".apply_async("];
const CELERY_READS: [&str; 4] = [
    "@shared_task",
    "@app.task",
    "@celery.task",
    "@celery_app.task",
];

/// Ways to send and read whose own words mean so only in a file that names the way: words of the
/// way, of sending, of reading.
type Way = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
);

const MASSTRANSIT: Way = (
    &["masstransit", "usingrabbitmq", "ipublishendpoint", "ibus "],
    &[".publish(", ".publish<", ".send("],
    &["iconsumer<", ".addconsumer", ".consumer<"],
);

/// A cache for most; a broker where the source publishes with it.
const REDIS: Way = (
    &["redis", "valkey"],
    &[".publish(", ".xadd("],
    &[
        ".pubsub(",
        ".subscribe(",
        ".psubscribe(",
        ".xread(",
        ".xreadgroup(",
    ],
);
const REDIS_SERVERS: [&str; 3] = ["redis", "valkey", "keydb"];

/// Where a way is used: what sends, what reads.
fn by_way<'a>(
    tree: &'a Tree,
    (marks, sends, reads): Way,
    wanted: impl Fn(&str) -> bool,
) -> (Vec<Hit<'a>>, Vec<Hit<'a>>) {
    let having = tree.find_in_code(marks, wanted);
    let has = |path: &str| having.iter().any(|hit| hit.file.path == path);
    (tree.find_in_code(sends, has), tree.find_in_code(reads, has))
}

/// Runs the check.
#[must_use]
pub fn check(repository: &Repository) -> Finding {
    let mut finding = Finding::new(
        "message-broker",
        "A message broker carries what need not be answered at once",
    );
    let tree = &repository.tree;
    let source = |path: &str| is_source(path) && !is_test(path);
    let contexts = &repository.contexts;
    let in_a_part = |path: &str| source(path) && contexts.may_run(path);
    let redis = by_way(tree, REDIS, in_a_part);
    let servers: &[&str] = match redis.0.is_empty() && redis.1.is_empty() {
        true => &[],
        false => &REDIS_SERVERS,
    };
    let of_kind = |kinds| {
        let composes = repository.compose.iter();
        composes.flat_map(move |compose| compose.of_kind(kinds))
    };
    let brokers: Vec<_> = of_kind(&BROKERS).chain(of_kind(servers)).collect();
    for broker in &brokers {
        finding.saw_at(broker.place.clone(), format!("{} is a broker", broker.name));
    }
    if let Some(why) = &repository.compose_problem {
        finding.saw(why.clone());
    }
    let mut senders = tree.find_in_code(&SENDS, in_a_part);
    let mut readers = tree.find_in_code(&READS, in_a_part);
    let python = |path: &str| path.ends_with(".py") && in_a_part(path);
    if !tree.find_in_code(&CELERY, python).is_empty() {
        senders.extend(tree.find_in_code(&CELERY_SENDS, python));
        readers.extend(tree.find_in_code(&CELERY_READS, python));
    }
    for (sends, reads) in [redis, by_way(tree, MASSTRANSIT, in_a_part)] {
        senders.extend(sends);
        readers.extend(reads);
    }
    for hits in [&mut senders, &mut readers] {
        let mut seen = std::collections::BTreeSet::new();
        hits.retain(|hit| seen.insert(hit.file.path.clone()));
    }
    let beside = |path: &str| source(path) && !in_a_part(path);
    let words: Vec<&str> = SENDS.iter().chain(&READS).copied().collect();
    for hit in tree.find_in_code(&words, beside).iter().take(3) {
        let said = format!(
            "`{}` stands outside every part and does not count",
            hit.word
        );
        finding.saw_at(tree.place(&hit.file.path, hit.line), said);
    }
    for (hits, what) in [(&senders, "sends"), (&readers, "reads")] {
        for hit in hits.iter().take(3) {
            finding.saw_at(
                tree.place(&hit.file.path, hit.line),
                format!("a client {what} (`{}`)", hit.word),
            );
        }
    }
    finding.figure("brokers", brokers.len());
    finding.figure("files_that_send", senders.len());
    finding.figure("files_that_read", readers.len());
    match (brokers.is_empty(), senders.is_empty(), readers.is_empty()) {
        (false, false, false) => finding.stands(
            Standing::Ready,
            "describe each message with a schema, and let consumers tell repeats apart",
        ),
        (true, true, true) if !tree.paths.iter().any(|path| source(path)) => {
            finding.saw("there is no source code to look at");
            finding.stands(
                Standing::Inconclusive,
                "run this where the services' code is",
            )
        }
        (true, true, true) => {
            finding.saw(match &repository.compose_problem {
                Some(_) => "no client of a broker in the source",
                None => "no broker in a Compose file, and no client of one in the source",
            });
            finding.stands(
                Standing::NotReady,
                "name one step that need not be answered at once, and send it through a broker",
            )
        }
        (false, true, true) => {
            finding.saw("nothing in the source sends to it or reads from it");
            finding.stands(
                Standing::NotReady,
                "the broker is there and unused: send one event through it, and read it elsewhere",
            )
        }
        (true, ..) if repository.compose_problem.is_some() => finding.stands(
            Standing::Inconclusive,
            "mend the Compose file, then run this again: whether a broker is there cannot be told",
        ),
        (true, ..) => finding.stands(
            Standing::Partly,
            "the client is there: run its broker beside the system, in the Compose file",
        ),
        (false, true, false) => finding.stands(
            Standing::Partly,
            "somebody reads what nobody sends: wire the sender",
        ),
        (false, false, true) => finding.stands(
            Standing::Partly,
            "somebody sends what nobody reads: wire a reader",
        ),
    }
}
