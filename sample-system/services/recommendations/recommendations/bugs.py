"""Seeded bugs: wrong on purpose, so that whoever proves the shop right can be proven to notice.

They are refused unless the system's test mode is on, and each that is on is logged at start."""

#: An event that comes again is learnt again.
NO_DEDUP = "no-dedup"
#: The offset is committed before the work is done.
ACK_BEFORE_HANDLING = "ack-before-handling"

#: Those that this service can have.
KNOWN = frozenset({NO_DEDUP, ACK_BEFORE_HANDLING})

#: Those of the whole shop: one setting serves all services.
ALL = KNOWN | {
    "missing-idempotency",
    "publish-before-commit",
    "no-refund",
    "lost-release",
    "retry-non-idempotent",
    "no-timeout",
    "retry-storm",
    "missing-fallback",
    "notifications-in-critical-path",
}
