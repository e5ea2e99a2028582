"""`recommendations dead-letters list|replay`: what this service could not work on, as JSON lines, and
back onto the topic where it stood once the reason is mended.

That a letter was replayed is remembered by a record with the header `dead-letter-replayed` on the
topic of dead letters. A letter's id is where its record stood, so one that is published twice is the
same letter; all services of the shop have it so."""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from recommendations.kafka import Delivery, Headers, Producer, read_all
from recommendations.reader import DEAD_LETTERS, GROUP, MARK, Publish

#: Header of the record that says that the letter of this id was replayed.
REPLAYED = MARK + "replayed"


class Unknown(Exception):
    """There is no letter of that id."""


@dataclass
class Letter:
    """A dead letter."""

    #: `TOPIC/PARTITION/OFFSET` of the record.
    id: str
    delivery: Delivery
    replayed: bool = False

    def shown(self) -> dict[str, object]:
        """What is shown of it."""
        said = dict(self.delivery.texts())
        key = self.delivery.key or b""
        return {
            "id": self.id,
            "reason": said.get(MARK + "reason", ""),
            "topic": said.get(MARK + "topic", ""),
            "partition": _number(said.get(MARK + "partition")),
            "offset": _number(said.get(MARK + "offset")),
            "group": said.get(MARK + "group", ""),
            "key": key.decode("utf-8", "replace"),
            "traceparent": said.get("traceparent"),
            "replayed": self.replayed,
            "payload": self.delivery.payload.decode("utf-8", "replace"),
        }


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


def replay(letter: Letter, topic: Publish) -> None:
    """Gives the record back to its topic, then marks it: dying in between replays it again, which its
    reader's inbox makes harmless."""
    delivery = letter.delivery
    own = [(name, value) for name, value in delivery.headers if not name.startswith(MARK)]
    topic.publish(str(letter.shown()["topic"]), delivery.key, delivery.payload, own)
    mark: Headers = [(REPLAYED, letter.id.encode()), (MARK + "group", GROUP.encode())]
    topic.publish(DEAD_LETTERS, delivery.key, b"", mark)


def run(
    brokers: str,
    what: str,
    wanted: str | None,
    read: Callable[[str, str], Iterable[Delivery]] = read_all,
    topic: Publish | None = None,
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
    for letter in chosen:
        replay(letter, topic)
        _say({"replayed": letter.id, "key": letter.shown()["key"]})
    return 0


def _say(line: dict[str, object]) -> None:
    text = json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")
    sys.stdout.buffer.write(text + b"\n")


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
