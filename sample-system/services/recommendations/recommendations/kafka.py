"""The client of Kafka's protocol, with the settings that all services of the shop have: it comes
back fast after a broker's restart, and commits nothing by itself."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from recommendations import logs

#: Milliseconds that a group waits for a member that died before its partitions go to another. The
#: client's own default is 45 s, and a service that was killed would sit idle that long after its
#: restart; 6 s is the lowest that Kafka's brokers take by default.
SESSION = 6_000
#: A member says that it lives this often; three missed beats end its session.
HEARTBEAT = 1_500
#: How long the broker may hold a fetch; new records wait as long at the shop's broker, which looks
#: only at the end of that time.
FETCH_WAIT = 100
#: Milliseconds that one record may take, all the client's own repeats included.
DELIVERY = 10_000
#: Bytes of the largest record that is sent. It is the broker who says what is too large (the shop's
#: takes 1,048,588 bytes); this is more than one here would take, so that whatever it took can be sent
#: to it again.
LARGEST = 10_000_000
#: Bytes of the largest answer that a client takes. The shop's broker answers a fetch with 16 MiB at
#: most; another Kafka with what it is asked for, 50 MB by default, or with one record that is larger.
LARGEST_ANSWER = 100_000_000
#: Seconds that who looks at a topic once waits for each answer.
LOOK = 10.0
#: Seconds that the broker may take for each question about a group's lag, which it has in memory.
LAG = 0.3

Headers = list[tuple[str, bytes]]
Place = tuple[str, int]


@dataclass(frozen=True)
class Delivery:
    """A record and where it stood."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    payload: bytes
    headers: Headers

    @property
    def place(self) -> Place:
        """Its topic and partition."""
        return (self.topic, self.partition)

    def texts(self) -> list[tuple[str, str]]:
        """The headers as text; what is none is shown with replacement characters."""
        return [(name, value.decode("utf-8", "replace")) for name, value in self.headers]


class KafkaError(Exception):
    """An exchange with the broker that failed; trying again is right."""


class TooLarge(KafkaError):
    """A record that the broker does not take, however often it is sent."""


def _client(brokers: str) -> dict[str, object]:
    return {
        "bootstrap.servers": brokers,
        "client.id": logs.SERVICE,
        # The shop's broker may listen on nothing else.
        "broker.address.family": "v4",
        "socket.keepalive.enable": True,
        "socket.nagle.disable": True,
        "socket.timeout.ms": 10_000,
        "socket.connection.setup.timeout.ms": 5_000,
        "reconnect.backoff.ms": 50,
        "reconnect.backoff.max.ms": 1_000,
        "receive.message.max.bytes": LARGEST_ANSWER,
        "allow.auto.create.topics": False,
        # Each lost connection and each try to get it back is an error to it. Whoever reads hears
        # of failures by results and logs those.
        "log_level": 2,
        "error_cb": lambda error: logs.debug("librdkafka", said=error.str()),
    }


class Consumer:
    """A member of a group that follows some topics; used by one thread."""

    def __init__(self, brokers: str, group: str, topics: list[str]) -> None:
        # 5 MB that a process which serves nothing never needs.
        import confluent_kafka

        self._library = confluent_kafka
        settings = _client(brokers) | {
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": SESSION,
            "heartbeat.interval.ms": HEARTBEAT,
            "fetch.wait.max.ms": FETCH_WAIT,
            # Records wait on the topic, not in memory.
            "queued.max.messages.kbytes": 1_024,
            "queued.min.messages": 100,
        }
        self._inner = confluent_kafka.Consumer(settings)
        #: Told which partitions this member has no more.
        self.lost: Callable[[Iterable[Place]], None] = lambda _: None
        gone = lambda _, partitions: self.lost([(it.topic, it.partition) for it in partitions])
        self._inner.subscribe(topics, on_revoke=gone, on_lost=gone)

    def next(self, timeout: float) -> Delivery | None:
        """The next record, none within `timeout` seconds."""
        message = self._inner.poll(timeout)
        if message is None:
            return None
        if message.error() is not None:
            raise KafkaError(message.error().str())
        return _delivery(message)

    def pause(self, place: Place) -> None:
        """Reads nothing more of a partition; what follows is not lost."""
        self._inner.pause([self._library.TopicPartition(*place)])

    def resume(self, place: Place) -> None:
        """Reads a partition again."""
        self._inner.resume([self._library.TopicPartition(*place)])

    def commit(self, next_offsets: dict[Place, int]) -> None:
        """Says from where on work is to be done; returns once the broker knows."""
        offsets = [
            self._library.TopicPartition(*place, offset) for place, offset in next_offsets.items()
        ]
        try:
            for done in self._inner.commit(offsets=offsets, asynchronous=False):
                if done.error is not None:
                    raise KafkaError(done.error.str())
        except self._library.KafkaException as why:
            raise KafkaError(str(why)) from why

    def lag(self) -> dict[str, int]:
        """For each topic how many records stand behind the last that was committed, in the
        partitions that this member has: high watermark minus committed position."""
        behind: dict[str, int] = {}
        try:
            for place in self._inner.committed(self._inner.assignment(), LAG):
                low, high = self._inner.get_watermark_offsets(place, LAG)
                # A group that has committed nothing yet begins at the beginning.
                done = max(place.offset, low)
                behind[place.topic] = behind.get(place.topic, 0) + max(high - done, 0)
        except self._library.KafkaException as why:
            raise KafkaError(str(why)) from why
        return behind

    def close(self) -> None:
        """Leaves the group, so that its partitions need no session timeout to find a new reader."""
        self._inner.close()


class Producer:
    """A producer that waits for the broker's answer to each record; readers know repeats by id."""

    def __init__(self, brokers: str) -> None:
        self._settings = _client(brokers) | {
            "acks": "all",
            "enable.idempotence": False,
            "max.in.flight.requests.per.connection": 1,
            "linger.ms": 0,
            "message.max.bytes": LARGEST,
            "delivery.timeout.ms": DELIVERY,
            "request.timeout.ms": 5_000,
            "retry.backoff.ms": 50,
        }
        # Made with the first record: most members never publish one.
        self._inner = None
        self._lock = threading.Lock()

    def publish(self, topic: str, key: bytes | None, payload: bytes, headers: Headers) -> None:
        """Returns once the record is safe with the broker."""
        import confluent_kafka

        ended: list[object] = []
        with self._lock:
            if self._inner is None:
                self._inner = confluent_kafka.Producer(self._settings)
            try:
                self._inner.produce(
                    topic, payload, key, headers=headers, on_delivery=lambda why, _: ended.append(why)
                )
                self._inner.flush(DELIVERY / 1_000 + 1)
            except (confluent_kafka.KafkaException, BufferError) as why:
                ended = [why.args[0] if isinstance(why, confluent_kafka.KafkaException) else why]
            if ended == [None]:
                return
            # What the client still holds of it must not go out beside the next try.
            self._inner = None
        why = ended[0] if ended else "no answer in time"
        is_said = isinstance(why, confluent_kafka.KafkaError)
        too_large = is_said and why.code() == confluent_kafka.KafkaError.MSG_SIZE_TOO_LARGE
        raise (TooLarge if too_large else KafkaError)(f"cannot publish to `{topic}`: {why}")


def read_all(brokers: str, topic: str) -> Iterator[Delivery]:
    """Every record of a topic from its beginning to where it ends now, for who looks at it once."""
    import confluent_kafka

    # The group is never joined: partitions are named, and nothing is committed.
    settings = _client(brokers) | {"group.id": logs.SERVICE + "-look", "enable.auto.commit": False}
    consumer = confluent_kafka.Consumer(settings)
    try:
        listed = consumer.list_topics(topic, LOOK).topics[topic]
        if listed.error is not None:
            raise KafkaError(f"the topic `{topic}` cannot be read: {listed.error.str()}")
        for partition in sorted(listed.partitions):
            place = confluent_kafka.TopicPartition(topic, partition)
            first, end = consumer.get_watermark_offsets(place, LOOK)
            if first >= end:
                continue
            place.offset = first
            consumer.assign([place])
            next_offset = first
            while next_offset < end:
                message = consumer.poll(LOOK)
                if message is None:
                    raise KafkaError(f"the topic `{topic}` gave no record for {LOOK:.0f} s")
                if message.error() is not None:
                    raise KafkaError(message.error().str())
                yield _delivery(message)
                next_offset = message.offset() + 1
    except confluent_kafka.KafkaException as why:
        raise KafkaError(f"the topic `{topic}` cannot be read: {why}") from why
    finally:
        consumer.close()


def read_at(brokers: str, topic: str, partition: int, offset: int) -> Delivery | None:
    """The record that stands there; none where none does (any more)."""
    import confluent_kafka

    settings = _client(brokers) | {
        "group.id": logs.SERVICE + "-look",
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
    }
    consumer = confluent_kafka.Consumer(settings)
    try:
        place = confluent_kafka.TopicPartition(topic, partition, offset)
        first, end = consumer.get_watermark_offsets(place, LOOK)
        if not first <= offset < end:
            return None
        consumer.assign([place])
        message = consumer.poll(LOOK)
        if message is None:
            raise KafkaError(f"the topic `{topic}` gave no record for {LOOK:.0f} s")
        if message.error() is not None:
            raise KafkaError(message.error().str())
        # A later one, where this one was cleared away meanwhile.
        return _delivery(message) if message.offset() == offset else None
    except confluent_kafka.KafkaException as why:
        raise KafkaError(f"the topic `{topic}` cannot be read: {why}") from why
    finally:
        consumer.close()


def _delivery(message: object) -> Delivery:
    return Delivery(
        message.topic(),
        message.partition(),
        message.offset(),
        message.key(),
        message.value() or b"",
        [(name, value or b"") for name, value in message.headers() or []],
    )
