"""What `/metrics` tells, in Prometheus' text form: rate, errors and duration of each route and of
the records read; use, waiting work and errors of what they need."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client import disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST

#: Bounds in seconds, as the other services have them.
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Figures:
    """The figures of one service; made once and handed in."""

    def __init__(self) -> None:
        # When each series began is nobody's question here.
        disable_created_metrics()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        of = {"registry": self._registry}
        self._requests = Counter(
            "http_requests", "Requests answered.", ["route", "method", "status"], **of
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Seconds until a request was answered.",
            ["route", "method"],
            buckets=_BUCKETS,
            **of,
        )
        self.in_flight = Gauge("http_requests_in_flight", "Requests in hand.", **of)
        self._late = Counter(
            "http_requests_late", "Requests not begun because their deadline had passed.", **of
        )
        self._shed = Counter(
            "http_requests_shed", "Requests refused because too much was waiting.", **of
        )
        self._ended = Counter(
            "connections_ended",
            "Connections ended since too little came of them, by why.",
            ["why"],
            **of,
        )
        self._records = Counter(
            "records", "Records read, by what became of them.", ["topic", "outcome"], **of
        )
        self._busy = Counter(
            "resource_busy_seconds", "Utilisation: how long a resource was at work.", ["resource"], **of
        )
        self._waiting = Gauge(
            "resource_waiting", "Saturation: how many pieces of work wait.", ["resource"], **of
        )
        self._work = Counter("resource_work", "Pieces of work that are done.", ["resource"], **of)
        self._errors = Counter("resource_errors", "How often a resource failed.", ["resource"], **of)
        # Those that are there from the start are seen from the start.
        for resource in ("database", "reader"):
            for figure in (self._busy, self._waiting, self._work, self._errors):
                figure.labels(resource)
        self._lag = Gauge(
            "consumer_lag",
            "Records behind the last that was committed, in the partitions of this member.",
            ["topic"],
            **of,
        )
        self._calls = Counter("calls", "Calls to other services.", ["peer", "outcome"], **of)
        self._call_seconds = Histogram(
            "call_duration_seconds", "Seconds that a call took.", ["peer"], buckets=_BUCKETS, **of
        )
        self.key_age = Gauge("token_keys_age_seconds", "Seconds since auth's keys were had.", **of)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered. `route` is the pattern that matched, never the path."""
        self._requests.labels(route, method, str(status)).inc()
        self._seconds.labels(route, method).observe(seconds)

    def late(self) -> None:
        """A request came whose caller waits no longer."""
        self._late.inc()

    def shed(self) -> None:
        """A request was refused because too many were in hand."""
        self._shed.inc()

    def ended(self, why: str) -> None:
        """A connection was ended since nothing came, or was taken, for too long."""
        self._ended.labels(why).inc()

    def handled(self, topic: str, outcome: str, seconds: float) -> None:
        """A record was dealt with, or is to be tried again."""
        self._records.labels(topic, outcome).inc()
        self._worked("reader", seconds, outcome != "retried")

    def written(self, seconds: float, is_done: bool) -> None:
        """The database made a transaction, or could not."""
        self._worked("database", seconds, is_done)

    def waiting(self, partitions: int) -> None:
        """In so many partitions a record is tried again."""
        self._waiting.labels("reader").set(partitions)

    def lag(self, by_topic: dict[str, int]) -> None:
        """So many records stand behind the last that was committed."""
        for topic, records in by_topic.items():
            self._lag.labels(topic).set(records)

    def _worked(self, resource: str, seconds: float, is_done: bool) -> None:
        self._busy.labels(resource).inc(seconds)
        (self._work if is_done else self._errors).labels(resource).inc()

    def called(self, peer: str, outcome: str, seconds: float) -> None:
        """A call came to its end."""
        self._calls.labels(peer, outcome).inc()
        self._call_seconds.labels(peer).observe(seconds)

    def text(self) -> bytes:
        """All of them."""
        return generate_latest(self._registry)
