"""`recommendations dead-letters list|replay`: what this service could not work on, as JSON lines, and
back onto the topic where it stood once the reason is mended.

That a letter was replayed is remembered by a record with the header `dead-letter-replayed` on the
topic of dead letters. A letter's id is where its record stood, so one that is published twice is the
same letter; all services of the shop have it so. A record that is too large for a letter is named by
its letter, and a replay reads it from its topic again, where it must still stand."""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from recommendations.burial import DEAD_LETTERS, DIGEST, GROUP, MARK, SIZE, Publish, digest, own
from recommendations.kafka import Delivery, Headers, KafkaError, Producer, TooLarge, read_all, read_at
from recommendations.trace import Trace

#: Header of the record that says that the letter of this id was replayed.
REPLAYED = MARK + "replayed"


class Unknown(Exception):
    """There is no letter of that id."""


class Lost(Exception):
    """Letters that name their records, which cannot be had any more or are not taken."""


@dataclass
class Letter:
    """A dead letter."""

    #: `TOPIC/PARTITION/OFFSET` of the record.
    id: str
    delivery: Delivery
    replayed: bool = False

    def is_whole(self) -> bool:
        """Whether it holds its record."""
        return not any(name == SIZE for name, _ in self.delivery.headers)

    def shown(self) -> dict[str, object]:
        """What is shown of it. Of one that only names its record, key and payload are how those
        begin."""
        said = dict(self.delivery.texts())
        key = self.delivery.key or b""
        shown: dict[str, object] = {
            "id": self.id,
            "reason": said.get(MARK + "reason", ""),
            "topic": said.get(MARK + "topic", ""),
            "partition": _number(said.get(MARK + "partition")),
            "offset": _number(said.get(MARK + "offset")),
            "group": said.get(MARK + "group", ""),
            "key": key.decode("utf-8", "replace"),
            "traceparent": said.get("traceparent"),
            "replayed": self.replayed,
            "whole": self.is_whole(),
            "payload": self.delivery.payload.decode("utf-8", "replace"),
        }
        if not self.is_whole():
            shown |= {"size": _number(said.get(SIZE)), "digest": said.get(DIGEST, "")}
        return shown

    def record(self, read: Callable[[str, int, int], Delivery | None]) -> Delivery | None:
        """The record that is given back: the letter's own, or what stands in its topic. None where
        that is not there any more, or is another."""
        if self.is_whole():
            return self.delivery
        shown = self.shown()
        if shown["partition"] is None or shown["offset"] is None:
            return None
        found = read(shown["topic"], shown["partition"], shown["offset"])
        if found is None or digest(found.payload).decode() != shown["digest"]:
            return None
        return found


def of_group(records: Iterable[Delivery], group: str) -> list[Letter]:
    """The letters of `group` among all records of the topic, oldest first, each once."""
    letters: dict[str, Letter] = {}
    replayed = set()
    for record in records:
        said = dict(record.texts())
        if said.get(MARK + "group") != group:
            continue
        if REPLAYED in said:
            replayed.add(said[REPLAYED])
            continue
        id = "/".join(said.get(MARK + part, "") for part in ("topic", "partition", "offset"))
        letters.setdefault(id, Letter(id, record))
    for id in replayed & letters.keys():
        letters[id].replayed = True
    return list(letters.values())


def replay(letter: Letter, record: Delivery, topic: Publish) -> None:
    """Gives the record back to its topic, under the trace in which it became a dead letter where it had
    none, then marks it: dying in between replays it again, which its reader's inbox makes harmless."""
    headers = own(record.headers, Trace.from_pairs(letter.delivery.texts()))
    topic.publish(str(letter.shown()["topic"]), record.key, record.payload, headers)
    mark: Headers = [(REPLAYED, letter.id.encode()), (MARK + "group", GROUP.encode())]
    topic.publish(DEAD_LETTERS, letter.delivery.key, b"", mark)


def run(
    brokers: str,
    what: str,
    wanted: str | None,
    read: Callable[[str, str], Iterable[Delivery]] = read_all,
    topic: Publish | None = None,
    read_one: Callable[[str, str, int, int], Delivery | None] = read_at,
) -> int:
    """Lists all letters; or replays those that were not yet, or the one of id `wanted`."""
    letters = of_group(read(brokers, DEAD_LETTERS), GROUP)
    if what == "list":
        for letter in letters:
            _say(letter.shown())
        return 0
    # One that was named is replayed again if that is what is asked for.
    chosen = [one for one in letters if (one.id == wanted if wanted else not one.replayed)]
    if wanted and not chosen:
        raise Unknown(f"no dead letter {wanted} of the group {GROUP}; `dead-letters list` shows them")
    topic = topic or Producer(brokers)
    # Those that cannot be replayed keep no other back.
    lost = []
    for letter in chosen:
        try:
            record = letter.record(lambda *place: read_one(brokers, *place))
        except KafkaError as why:
            lost.append(f"{letter.id}: {why}")
            continue
        if record is None:
            lost.append(f"the record of {letter.id} does not stand in its topic any more")
            continue
        try:
            replay(letter, record, topic)
        except TooLarge as why:
            lost.append(f"{letter.id}: {why}")
            continue
        _say({"replayed": letter.id, "key": (record.key or b"").decode("utf-8", "replace")})
    if lost:
        raise Lost("cannot be replayed: " + "; ".join(lost))
    return 0


def _say(line: dict[str, object]) -> None:
    text = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")
    sys.stdout.buffer.write(text + b"\n")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
