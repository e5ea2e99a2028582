"""`recommendations dead-letters list|replay`: what this service could not read, as JSON lines, and
back onto the topic it came from once the reason is mended.

A replay is marked on the topic `dead-letters` itself: a record without payload whose header
`dead-letter-replayed` names the letter. What is marked is neither listed nor replayed again."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from recommendations.kafka import Delivery, Headers, KafkaError, Producer, read_all
from recommendations.reader import DEAD_LETTERS, GROUP, MARK, Publish

#: A mark's header: the id of the letter that was replayed.
REPLAYED = MARK + "replayed"


class Read(Protocol):
    """Every record of a topic from its beginning to where it ends now."""

    def __call__(self, brokers: str, topic: str) -> Iterator[Delivery]: ...


@dataclass
class Letters:
    """The letters of this service's group by id, in their order; one that was replayed is gone."""

    kept: dict[str, Delivery] = field(default_factory=dict)

    def take(self, delivery: Delivery) -> None:
        """Takes in the next record of the topic."""
        said = dict(delivery.texts())
        if said.get(MARK + "group") != GROUP:
            return
        if REPLAYED in said:
            self.kept.pop(said[REPLAYED], None)
            return
        self.kept[identity(delivery)] = delivery


def identity(delivery: Delivery) -> str:
    """A letter's id: its place on the topic."""
    return f"{delivery.partition}-{delivery.offset}"


def shown(delivery: Delivery) -> dict[str, object]:
    """A letter as it is listed."""
    said = dict(delivery.texts())
    line: dict[str, object] = {"id": identity(delivery)}
    for name in ("reason", "topic", "partition", "offset"):
        line[name] = said.get(MARK + name)
    line["key"] = None if delivery.key is None else delivery.key.decode("utf-8", "replace")
    line["headers"] = {name: value for name, value in said.items() if not name.startswith(MARK)}
    line["payload"] = delivery.payload.decode("utf-8", "replace")
    return line


def replay(delivery: Delivery, publish: Publish) -> None:
    """Publishes a letter to where it came from, then marks it. A crash between the two repeats the
    event, which its reader knows by its id."""
    said = dict(delivery.texts())
    own = [(name, value) for name, value in delivery.headers if not name.startswith(MARK)]
    publish.publish(said[MARK + "topic"], delivery.key, delivery.payload, own)
    mark: Headers = [(MARK + "group", GROUP.encode()), (REPLAYED, identity(delivery).encode())]
    publish.publish(DEAD_LETTERS, delivery.key, b"", mark)


def run(
    brokers: str, what: str, wanted: str | None, read: Read = read_all, publish: Publish | None = None
) -> int:
    """Lists or replays all letters, or the one of id `wanted`."""
    letters = Letters()
    for delivery in read(brokers, DEAD_LETTERS):
        letters.take(delivery)
    chosen = letters.kept
    if wanted is not None:
        if wanted not in chosen:
            print(f"recommendations: there is no dead letter {wanted}", file=sys.stderr)
            return 1
        chosen = {wanted: chosen[wanted]}
    publish = publish or Producer(brokers)
    for name, delivery in chosen.items():
        line = shown(delivery)
        if what == "replay":
            if not line["topic"]:
                print(f"recommendations: dead letter {name} names no topic", file=sys.stderr)
                return 1
            try:
                replay(delivery, publish)
            except KafkaError as why:
                print(f"recommendations: dead letter {name} was not replayed: {why}", file=sys.stderr)
                return 1
        print(json.dumps(line, ensure_ascii=False))
    return 0
