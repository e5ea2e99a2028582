"""The way of one record from the topic into the database, and the loop around it.

What passes (the database busy, the broker away) is tried again until it works or the service is
asked to stop. What stays (a record that cannot be read, a fault that came five times) becomes a
dead letter. Only then is the offset committed. A partition whose record is tried again waits for
it, the others go on."""

import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from recommendations import bugs, event, logs, shelf, trace
from recommendations.burial import LONGEST_REASON, Publish, bury
from recommendations.database import Inbox, writing
from recommendations.figures import Figures
from recommendations.kafka import Delivery, KafkaError, Place

#: The topic with the events of orders.
TOPIC = "orders"

#: How often a record fails for a reason that stays before it is a dead letter.
ATTEMPTS = 5
#: Seconds before something is tried again; each further wait doubles it.
RETRY_FIRST = 0.1
#: The longest wait: how late it is noticed that what was away is back.
RETRY_LONGEST = 2.0
#: Records done before their offsets are committed, at most.
BATCH = 64
#: Seconds that nothing may come before the loop looks around.
LOOK = 0.2
#: Seconds between two questions how far the group is behind.
LAG_EACH = 5.0


class Source(Protocol):
    """Where records come from."""

    lost: Callable[[list[Place]], None]

    def next(self, timeout: float) -> Delivery | None: ...
    def pause(self, place: Place) -> None: ...
    def resume(self, place: Place) -> None: ...
    def commit(self, next_offsets: dict[Place, int]) -> None: ...
    def lag(self) -> dict[str, int]: ...
    def close(self) -> None: ...


class Passing(Exception):
    """Something that passes."""


@dataclass
class Waiting:
    """A record that is tried again."""

    delivery: Delivery
    due: float
    wait: float = RETRY_FIRST
    #: Why it failed so far, where the reason stays.
    failures: list[str] = field(default_factory=list)


class Reader:
    """Learns from records."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        inbox: Inbox,
        dead: Publish,
        figures: Figures,
        seeded: frozenset[str] = frozenset(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connection = connection
        self._inbox = inbox
        self._dead = dead
        self._figures = figures
        self._seeded = seeded
        self._clock = clock
        self._waiting: dict[Place, Waiting] = {}
        self._done: dict[Place, int] = {}
        self._lag_due = 0.0

    def run(self, source: Source, stop: threading.Event) -> None:
        """Reads until asked to stop; what is in hand is finished, then the group is left."""
        source.lost = self._lose
        broker_away = False
        while not stop.is_set():
            try:
                self.step(source, LOOK, stop)
                broker_away = False
            except KafkaError as why:
                # The client tries by itself and tells of each time; once is enough to know.
                (logs.debug if broker_away else logs.warn)("waiting for the broker", error=why)
                broker_away = True
                stop.wait(RETRY_FIRST)
        try:
            self._commit(source)
        except KafkaError as why:
            logs.warn("events that are done will come again", error=why)
        source.close()

    def step(self, source: Source, timeout: float, stop: threading.Event) -> None:
        """Does what is due and what comes next, then commits."""
        for place, waiting in list(self._waiting.items()):
            if not stop.is_set() and waiting.due <= self._clock():
                del self._waiting[place]
                self._take(source, waiting)
                if place not in self._waiting:
                    source.resume(place)
        soonest = min((it.due - self._clock() for it in self._waiting.values()), default=timeout)
        timeout = max(0.0, min(timeout, soonest))
        try:
            for _ in range(BATCH):
                delivery = None if stop.is_set() else source.next(timeout)
                if delivery is None:
                    break
                timeout = 0.0
                if bugs.ACK_BEFORE_HANDLING in self._seeded:
                    source.commit({delivery.place: delivery.offset + 1})
                self._take(source, Waiting(delivery, self._clock()))
        finally:
            self._commit(source)
        self._prune()
        self._tell_lag(source)

    def _tell_lag(self, source: Source) -> None:
        """Where the broker does not say, what it said last is shown."""
        if self._clock() < self._lag_due:
            return
        self._lag_due = self._clock() + LAG_EACH
        try:
            self._figures.lag({TOPIC: 0} | source.lag())
        except KafkaError as why:
            logs.debug("the lag cannot be had", error=why)

    def _take(self, source: Source, waiting: Waiting) -> None:
        delivery = waiting.delivery
        token = trace.current.set(trace.Trace.from_pairs(delivery.texts()).or_fresh())
        began = self._clock()
        try:
            outcome = self._handle(waiting)
        except Passing as why:
            logs.warn("an event is tried again", error=why.__cause__ or why)
            outcome = "retried"
            waiting.due = self._clock() + waiting.wait
            waiting.wait = min(waiting.wait * 2, RETRY_LONGEST)
            source.pause(delivery.place)
            self._waiting[delivery.place] = waiting
        else:
            self._done[delivery.place] = delivery.offset + 1
        finally:
            trace.current.reset(token)
        self._figures.handled(delivery.topic, outcome, self._clock() - began)
        self._figures.waiting(len(self._waiting))

    def _handle(self, waiting: Waiting) -> str:
        """What became of the record; raises `Passing` where it is to be tried again."""
        delivery = waiting.delivery
        if len(waiting.failures) >= ATTEMPTS:
            return self._bury(delivery, f"failed {ATTEMPTS} times: {waiting.failures[-1]}")
        try:
            placed = event.read(delivery.payload)
            return "ignored" if placed is None else self._learn(placed)
        except event.Unreadable as why:
            return self._bury(delivery, str(why))
        except Exception as why:
            if is_of_the_file(why):
                raise Passing from why
            # Whatever else stays with the record.
            waiting.failures.append(repr(why))
            if len(waiting.failures) < ATTEMPTS:
                raise Passing from why
            return self._bury(delivery, f"failed {ATTEMPTS} times: {why!r}")

    def _learn(self, placed: event.Placed) -> str:
        began, is_done = self._clock(), False
        try:
            with writing(self._connection):
                is_new = self._inbox.first_time(placed.id)
                if is_new or bugs.NO_DEDUP in self._seeded:
                    shelf.learn(self._connection, placed.account_id, placed.sku)
            is_done = True
        finally:
            self._figures.written(self._clock() - began, is_done)
        outcome = "learnt" if is_new else "repeat"
        logs.info(outcome, event=placed.id, order=placed.order_id, sku=placed.sku)
        return outcome

    def _bury(self, delivery: Delivery, reason: str) -> str:
        try:
            bury(delivery, reason, trace.current.get(), self._dead)
        except KafkaError as why:
            raise Passing from why
        place = {"partition": delivery.partition, "offset": delivery.offset}
        logs.error("a record became a dead letter", reason=reason[:LONGEST_REASON], **place)
        return "buried"

    def _commit(self, source: Source) -> None:
        """Offsets that could not be committed are committed with the next."""
        if self._done:
            source.commit(dict(self._done))
            self._done.clear()

    def _lose(self, places: list[Place]) -> None:
        """Partitions that went to another member come from there on."""
        for place in places:
            self._waiting.pop(place, None)
            self._done.pop(place, None)

    def _prune(self) -> None:
        try:
            self._inbox.prune()
        except sqlite3.OperationalError as why:
            logs.warn("old events are not forgotten yet", error=why)


def is_of_the_file(why: Exception) -> bool:
    """Whether the file and not the record is at fault: busy, full, not to be written, damaged. Someone
    else ends or mends that."""
    return isinstance(why, sqlite3.OperationalError) or type(why) is sqlite3.DatabaseError
