"""The first thing in the process: reads the arguments, then serves until SIGTERM or SIGINT, asks the
running service whether it is ready, or looks at dead letters.

Exit codes: 0 ended as asked, 1 failed (or is not ready), 2 wrong arguments or configuration.

What a command does not need it does not load: the healthcheck runs every other second."""

import os
import sys
from collections.abc import Mapping, Sequence

from recommendations import config

USAGE = (
    "serves when called without arguments; else `healthcheck`, `dead-letters list` or "
    "`dead-letters replay [--id TOPIC/PARTITION/OFFSET]`"
)


def main(arguments: Sequence[str] | None = None, variables: Mapping[str, str] | None = None) -> int:
    """Runs the command; its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    variables = os.environ if variables is None else variables
    try:
        match words:
            case []:
                return _serve(variables)
            case ["healthcheck"]:
                from recommendations import healthcheck

                healthcheck.ask(config.listen(variables))
                return 0
            case ["dead-letters", ("list" | "replay") as what]:
                return _dead_letters(variables, what, None)
            case ["dead-letters", "replay", "--id", wanted]:
                return _dead_letters(variables, "replay", wanted)
            case _:
                return _fail(2, USAGE)
    except config.ConfigError as why:
        return _fail(2, str(why))
    except KeyboardInterrupt:
        return 130
    except Exception as why:  # the last to hear of it says it in one line
        return _fail(1, str(why) or repr(why))


def _serve(variables: Mapping[str, str]) -> int:
    read = config.Config.read(variables)
    from recommendations import logs, serve

    logs.start(read.log)
    try:
        serve.run(read)
    except Exception as why:
        logs.error("ended", error=str(why) or repr(why))
        raise
    return 0


def _dead_letters(variables: Mapping[str, str], what: str, wanted: str | None) -> int:
    brokers = config.brokers(variables)
    from recommendations import dead_letters

    return dead_letters.run(brokers, what, wanted)


def _fail(code: int, message: str) -> int:
    try:
        print(f"recommendations: {message}", file=sys.stderr)
    except OSError:
        pass
    return code
