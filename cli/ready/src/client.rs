//! Clients of message brokers: which brokers each speaks to, and by which words its source sends
//! and reads.

use crate::code::Strings;
use crate::tree::{Hit, TextFile, first_done, first_of_code, first_taken};

/// A kind of broker, as people call it.
pub type Kind = &'static str;

/// A client, or a family of clients with the same words.
#[derive(Debug)]
pub struct Client {
    /// The brokers it speaks to.
    pub speaks: &'static [Kind],
    /// Names that a file has which uses it; none where its other words are its own.
    marks: &'static [&'static str],
    /// Words of sending.
    sends: &'static [&'static str],
    /// Words of reading.
    reads: &'static [&'static str],
}

/// All that are known.
pub const CLIENTS: [Client; 17] = [
    Client {
        speaks: &["Kafka"],
        marks: &[],
        sends: &[
            "@kafkaclient",
            "producerbuilder<",
            "kafkaproducer",
            "aiokafkaproducer",
            "kafkatemplate",
            "futureproducer",
            "baseproducer",
            "threadedproducer",
            "producerrecord",
            "kafka.writer",
            "newsyncproducer",
            "newasyncproducer",
            "newsyncproducerfromclient",
        ],
        reads: &[
            "consumerbuilder<",
            "kafkaconsumer",
            "aiokafkaconsumer",
            "@kafkalistener",
            "streamconsumer",
            "baseconsumer",
            "kafka.newreader",
            "kafka.reader",
            "newconsumergroup",
            "newconsumergroupfromclient",
            "eachmessage",
            "eachbatch",
        ],
    },
    Client {
        speaks: &["Kafka"],
        marks: &[
            "kafka",
            "rdkafka",
            "confluent_kafka",
            "kafkajs",
            "sarama",
            "kgo",
            "aiokafka",
            "faust",
        ],
        sends: &[
            ".producer().",
            ".producer({",
            "producer.send",
            "newproducer",
            ".produce(",
            "writemessages(",
            "producesync(",
        ],
        reads: &[
            ".consumer().",
            "consumer.subscribe",
            "newconsumer",
            "newreader",
            "consumergroup",
            ".subscribe([\"",
            ".subscribe(['",
            ".subscribe(&[",
            "readmessage(",
            "fetchmessage(",
            "pollfetches(",
        ],
    },
    Client {
        speaks: &["RabbitMQ"],
        marks: &[],
        sends: &[
            "basic_publish",
            "basicpublish",
            "basicpublishasync",
            "sendtoqueue",
            "rabbittemplate",
        ],
        reads: &[
            "basic_consume",
            "basicconsume",
            "basicconsumeasync",
            "@rabbitlistener",
            "eventingbasicconsumer",
        ],
    },
    Client {
        speaks: &["RabbitMQ"],
        marks: &[
            "pika", "aio_pika", "amqp", "amqplib", "amqp091", "rabbitmq", "lapin", "bunny",
            "kombu", "easynetq",
        ],
        sends: &[".publish(", ".publishasync(", "publishwithcontext("],
        reads: &[
            ".consume(",
            ".consumewithcontext(",
            ".subscribe(",
            ".subscribeasync(",
            // Ruby's blocks.
            ".subscribe do",
            ".subscribe {",
        ],
    },
    Client {
        speaks: &["NATS"],
        marks: &["nats", "async_nats", "jetstream"],
        sends: &[".publish(", ".publishmsg(", ".publishasync("],
        reads: &[
            ".subscribe(",
            ".queuesubscribe(",
            ".queue_subscribe(",
            ".pull_subscribe(",
            ".subscribeasync(",
            ".consume(",
        ],
    },
    Client {
        speaks: &["Pulsar"],
        marks: &["pulsar"],
        sends: &[
            "create_producer(",
            "createproducer(",
            "newproducer(",
            ".producer(",
        ],
        reads: &[
            "subscribe(",
            "newconsumer(",
            ".consumer(",
            "create_reader(",
            "createreader(",
        ],
    },
    Client {
        speaks: &["MQTT"],
        marks: &["mqtt", "paho", "rumqttc", "aiomqtt", "mqttnet"],
        sends: &[".publish(", ".publishasync("],
        reads: &[".subscribe(", ".subscribeasync("],
    },
    Client {
        speaks: &["ActiveMQ"],
        marks: &["jms", "stomp", "activemq", "jmstemplate", "jmslistener"],
        sends: &["jmstemplate", "createproducer(", ".send("],
        reads: &["@jmslistener", "createconsumer(", ".subscribe("],
    },
    Client {
        speaks: &["AWS"],
        marks: &[
            "sqs",
            "sns",
            "aws_sdk_sqs",
            "aws_sdk_sns",
            "sqsclient",
            "snsclient",
        ],
        sends: &[
            "send_message(",
            "sendmessage(",
            "sendmessagecommand",
            "publishcommand",
            ".publish(",
        ],
        reads: &[
            "receive_message(",
            "receivemessage(",
            "receivemessagecommand",
            "@sqslistener",
        ],
    },
    Client {
        speaks: &["Pub/Sub"],
        marks: &["pubsub", "pubsub_v1"],
        sends: &[".publish(", "publishmessage("],
        reads: &[".subscribe(", ".receive(", "createsubscription("],
    },
    Client {
        speaks: &["Service Bus"],
        marks: &["servicebus", "servicebusclient"],
        sends: &[
            "servicebussender",
            "sendmessageasync(",
            "createsender(",
            "send_messages(",
        ],
        reads: &[
            "servicebusprocessor",
            "createprocessor(",
            "createreceiver(",
            "receive_messages(",
        ],
    },
    Client {
        speaks: &["NSQ"],
        marks: &["nsq"],
        sends: &[".publish(", "newproducer("],
        reads: &["newconsumer(", ".addhandler("],
    },
    Client {
        speaks: &["RocketMQ"],
        marks: &["rocketmq", "rocketmqtemplate"],
        sends: &[".send(", "syncsend(", "convertandsend("],
        reads: &["@rocketmqmessagelistener", ".subscribe("],
    },
    // A cache for most; a broker where the source publishes with it.
    Client {
        speaks: &["Redis"],
        marks: &["redis", "valkey", "ioredis", "aioredis"],
        sends: &[".publish(", ".xadd("],
        reads: &[
            ".pubsub(",
            ".subscribe(",
            ".psubscribe(",
            ".xread(",
            ".xreadgroup(",
        ],
    },
    Client {
        speaks: &["RabbitMQ", "Kafka", "AWS", "Service Bus", "ActiveMQ"],
        marks: &["masstransit", "usingrabbitmq", "ipublishendpoint", "ibus"],
        sends: &[".publish(", ".publish<", ".send("],
        reads: &["iconsumer<", ".addconsumer", ".consumer<"],
    },
    Client {
        speaks: &["RabbitMQ", "Kafka"],
        marks: &[
            "streambridge",
            "streamlistener",
            "springframework.cloud.stream",
        ],
        sends: &["streambridge"],
        // A function that is bound to a topic by its name.
        reads: &["@streamlistener", "public consumer<", "public function<"],
    },
    // Its tasks are sent from files that never name it.
    Client {
        speaks: &["RabbitMQ", "Redis", "AWS"],
        marks: &["celery", "shared_task"],
        sends: &[".delay(", ".apply_async(", "send_task("],
        reads: &[
            "@shared_task",
            "@app.task",
            "@celery.task",
            "@celery_app.task",
        ],
    },
];

/// Where a client is used in a file: what sends, what reads.
pub type Used<'a> = (Option<Hit<'a>>, Option<Hit<'a>>);

impl Client {
    /// Whether a file, which `lower` is in lower case, names it.
    #[must_use]
    pub fn is_in(&self, file: &TextFile, lower: &str) -> bool {
        // Others call a bus within a program so: Phoenix, for one.
        if self.speaks == ["Pub/Sub"] && !lower.contains("google") {
            return false;
        }
        self.marks.is_empty()
            || (self.marks.iter().any(|mark| lower.contains(mark))
                && (first_of_code(file, self.marks, Strings::None).is_some()
                    || self.is_required(file)))
    }

    /// Whether Ruby takes it in, whose words for that are a text behind no brackets.
    fn is_required(&self, file: &TextFile) -> bool {
        let names = |line: &str| {
            let name = line.trim_start().strip_prefix("require ")?.trim();
            let name = name.trim_matches(['"', '\'']).to_lowercase();
            Some(self.marks.contains(&name.as_str()))
        };
        file.path.ends_with(".rb") && file.text.lines().any(|line| names(line) == Some(true))
    }

    /// The line of a file that takes it in. A cache's, which may be none, and names that only come
    /// with a use are left aside.
    #[must_use]
    pub fn taken<'a>(&'a self, file: &'a TextFile, lower: &str) -> Option<Hit<'a>> {
        if self.speaks.contains(&"Redis") || !self.marks.iter().any(|mark| lower.contains(mark)) {
            return None;
        }
        first_taken(file, self.marks)
    }

    /// Whether its other words mean it in every file of a language once one file names it.
    #[must_use]
    pub fn is_everywhere(&self, path: &str) -> bool {
        self.marks.first() == Some(&"celery") && path.ends_with(".py")
    }

    /// What of a file sends with it, and what reads.
    #[must_use]
    pub fn used<'a>(&'a self, file: &'a TextFile, lower: &str) -> Used<'a> {
        let done = |words: &'a [&'a str]| {
            words
                .iter()
                .any(|word| lower.contains(word))
                .then_some(())?;
            first_done(file, words)
        };
        (done(self.sends), done(self.reads))
    }
}
