"""Settings come from the environment and nowhere else. What is missing or malformed is collected,
and all of it is shown together before the service ends."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from recommendations import bugs

_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000}


class ConfigError(Exception):
    """Every setting that was missing or malformed, one a line."""

    def __init__(self, problems: list[str]) -> None:
        lines = "\n".join(problems)
        super().__init__(f"the environment does not configure this service:\n{lines}")


class Address(NamedTuple):
    """`host:port`, where the host may be a name."""

    host: str
    port: int

    def dialled(self) -> "Address":
        """Where to dial one that listens here: a wildcard is reached over loopback."""
        loopback = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        return Address(loopback.get(self.host, self.host), self.port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


class Settings:
    """Reads settings by name and remembers what was wrong with them. A reader answers `None`
    after noting a problem."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._problems: list[str] = []

    def finish(self) -> None:
        """Ends the reading; raises with every problem that any reader noted."""
        if self._problems:
            raise ConfigError(self._problems)

    def text(self, name: str, default: str | None = None) -> str | None:
        """Any text that is not empty, `default` where the name is not set."""
        value = self._variables.get(name, default)
        if not value:
            self._problems.append(f"  {name} is not set")
            return None
        return value

    def address(self, name: str) -> Address | None:
        """`host:port`."""
        value = self.text(name)
        if value is None:
            return None
        return _address(value) or self.refuse(name, value, "host:port, like 0.0.0.0:8080")

    def brokers(self, name: str) -> str | None:
        """`host:port`, several with commas between."""
        value = self.text(name)
        if value is None:
            return None
        if all(_address(part.strip()) for part in value.split(",")):
            return value
        return self.refuse(name, value, "host:port, like broker:9092")

    def url(self, name: str) -> str | None:
        """The root of a peer, without a slash at its end."""
        value = self.text(name)
        if value is None:
            return None
        match = re.fullmatch(r"https?://([^/?#@\s]+)/*", value, re.ASCII)
        host = match.group(1) if match else ""
        if re.fullmatch(r"[^:\[\]]+|\[[0-9a-fA-F:]+\]", host) or _address(host):
            return value.rstrip("/")
        return self.refuse(name, value, "a URL, like http://auth:8080")

    def seconds(self, name: str, default: float) -> float | None:
        """A duration above zero, like `2s` or `500ms`, in seconds."""
        if name not in self._variables:
            return default
        value = self.text(name)
        if value is None:
            return None
        match = re.fullmatch(r"([0-9]{1,9})(ms|s|m)", value, re.ASCII)
        if not match or not int(match.group(1)):
            return self.refuse(name, value, "a duration above zero, like 500ms, 2s or 1m")
        return int(match.group(1)) * _MILLISECONDS[match.group(2)] / 1_000

    def bugs(self) -> frozenset[str]:
        """`SEEDED_BUGS`, only where `TEST_MODE` is on."""
        mode = self._variables.get("TEST_MODE", "off")
        if mode not in ("on", "off"):
            self.refuse("TEST_MODE", mode, "on or off")
        names = [name.strip() for name in self._variables.get("SEEDED_BUGS", "").split(",")]
        names = [name for name in names if name]
        if names and mode != "on":
            self._problems.append("  SEEDED_BUGS is refused unless TEST_MODE is on")
        for name in names:
            if name not in bugs.ALL:
                self.refuse("SEEDED_BUGS", name, "names among " + ", ".join(sorted(bugs.ALL)))
        return frozenset(names) & bugs.KNOWN

    def refuse(self, name: str, value: str, wanted: str) -> None:
        """Notes that `name` is something else than `wanted`."""
        self._problems.append(f"  {name} is {value!r}: give {wanted}")


def _address(value: str) -> Address | None:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port, re.ASCII):
        return None
    bracketed = re.fullmatch(r"\[([0-9a-fA-F:]+)\]", host, re.ASCII)
    if not bracketed and re.search(r"[:/@\s\[\]]", host):
        return None
    number = int(port)
    return Address(bracketed.group(1) if bracketed else host, number) if number < 65_536 else None


@dataclass(frozen=True)
class Config:
    """What the service is configured with."""

    #: `LISTEN`: where it serves.
    listen: Address
    #: `DATA_DIR`: the folder for what it keeps.
    data_dir: Path
    #: `KAFKA_BROKERS`: where to find the broker.
    brokers: str
    #: `AUTH_URL`: who publishes the keys that tokens are signed with.
    auth: str
    #: `SHUTDOWN_GRACE` in seconds: how long work in hand may take after it was asked to stop; 5 s
    #: by default, half of what Compose waits before it kills.
    grace: float
    #: `LOG`: from which level on lines are written.
    log: str
    #: `SEEDED_BUGS`: which of them are on.
    bugs: frozenset[str]

    @classmethod
    def read(cls, variables: Mapping[str, str]) -> "Config":
        """Reads all of them; raises `ConfigError` with all that is wrong."""
        settings = Settings(variables)
        listen = settings.address("LISTEN")
        data_dir = settings.text("DATA_DIR")
        brokers = settings.brokers("KAFKA_BROKERS")
        auth = settings.url("AUTH_URL")
        grace = settings.seconds("SHUTDOWN_GRACE", 5.0)
        log = settings.text("LOG", "info")
        seeded = settings.bugs()
        settings.finish()
        return cls(listen, Path(data_dir), brokers, auth, grace, log, seeded)


def listen(variables: Mapping[str, str]) -> Address:
    """`LISTEN` alone, for who asks the service that runs."""
    settings = Settings(variables)
    address = settings.address("LISTEN")
    settings.finish()
    return address


def brokers(variables: Mapping[str, str]) -> str:
    """`KAFKA_BROKERS` alone, for who looks at dead letters."""
    settings = Settings(variables)
    addresses = settings.brokers("KAFKA_BROKERS")
    settings.finish()
    return addresses
