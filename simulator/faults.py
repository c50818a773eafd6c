"""What can go wrong with a CEMM, to be switched on."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
import re
from typing import Any, Literal

from .clock import Clock

type Api = Literal["local", "remote"]
type Measurement = tuple[int, float]
"""Milliseconds since 1970, and the value; (0, 0) when never measured."""

_READING_KINDS = frozenset({"zero", "value", "frozen", "unmeasured", "offset"})
_TRANSPORT_KINDS = frozenset(
    {"latency", "status", "broken_json", "html", "empty", "drop", "endless", "drip"}
    | {"redirect", "body", "hang", "limit", "alone"}
)
_DOCUMENT_KINDS = frozenset({"without", "renamed", "quoted"})
_MINUTE = 60
NEVER_MEASURED: Measurement = (0, 0)


@dataclass
class Fault:
    """One fault, for requests whose path matches the regular expression `path`.

    It lasts for `times` requests, or until it is taken away, and concerns that `share` of them.
    Faults of the transport, of which a request meets the first that matches:

    - `latency`: the answer takes `value` seconds longer
    - `status`: HTTP status `value`
    - `broken_json`, `html`, `empty`: half the JSON, a web page, or nothing, with status 200
    - `drop`: the connection is closed without an answer
    - `hang`: the connection is kept, and nothing is ever answered
    - `endless`: a body without end
    - `drip`: the right answer, at `value` bytes a second
    - `redirect`: to the URL `value`
    - `limit`: more than `value[0]` requests in a minute get HTTP status `value[1]`, with what
      `value[2]` says as `Retry-After` if that is not empty
    - `alone`: a request during another one's answer is closed without an answer
    - `body`: `value` itself (bytes, or anything that JSON can say)

    Faults of the documents, as other firmware would write them, of which a request meets all:

    - `without`: what the names in `value` name is left out, wherever it is; `totals.gas` is the
      gas within `totals` alone
    - `renamed`: the keys of `value` are called as its values
    - `quoted`: all numbers are texts

    Faults of the readings (realtime, and meter readings of the day that is not over when the
    fault is added), of which a request meets all:

    - `zero`: the channel `(alias, key)` reads 0
    - `value`: the channel `(alias, key, x)` reads x
    - `offset`: the channel `(alias, key, x)` reads x more than the truth
    - `unmeasured`: the channel `(alias, key)` says `[0, 0]`
    - `frozen`: the meter `alias` stands still, from when the fault was added
    """

    kind: str
    path: str = ""
    api: Api | None = None
    times: int | None = None
    value: Any = None
    time: int | None = None
    """That of the query, where only one day, month or year is to fail."""
    share: float = 1.0
    seed: int = 0
    """Chance begins here."""
    added: float | None = field(default=None, init=False)
    """When it was added, by the clock of the house."""

    _taken: deque[float] = field(default_factory=deque, init=False)

    def __post_init__(self) -> None:
        """Refuse a fault that would do nothing. Raises ValueError."""
        self._chance = Random(self.seed)
        if self.kind not in _READING_KINDS | _TRANSPORT_KINDS | _DOCUMENT_KINDS:
            raise ValueError(f"no such fault: {self.kind}")

    @property
    def alias(self) -> str | None:
        """Return the meter whose readings it spoils."""
        if self.kind not in _READING_KINDS:
            return None
        alias: str = self.value if self.kind == "frozen" else self.value[0]
        return alias

    @property
    def refusal(self) -> tuple[int, str]:
        """Return the HTTP status of a refusal, and what its `Retry-After` says."""
        _, status, retry_after = (
            self.value if self.kind == "limit" else (0, self.value, "")
        )
        return status, retry_after

    def matches(self, api: Api, path: str, time: str | None) -> bool:
        """Tell whether a request meets this fault."""
        if self.times == 0 or self.api not in (None, api):
            return False
        if self.time is not None and time != str(self.time):
            return False
        if self.alias is not None and f"/{self.alias}/" not in path:
            return False
        return re.search(self.path, path) is not None

    def happens(self, now: float, under_way: int) -> bool:
        """Tell whether it happens to a request that it matches, at a Unix time."""
        if self.kind == "alone":
            return under_way > 0
        if self.kind == "limit":
            while self._taken and self._taken[0] <= now - _MINUTE:
                self._taken.popleft()
            if len(self._taken) >= self.value[0]:
                return True
            self._taken.append(now)
            return False
        return self.share >= 1 or self._chance.random() < self.share

    def spoil(self, key: str, measurement: Measurement) -> Measurement:
        """Return what the channel `key` of its meter shows instead."""
        if self.kind == "frozen" or self.value[1] != key:
            return measurement
        stamp, value = measurement
        match self.kind:
            case "zero":
                return stamp, 0
            case "value":
                return stamp, self.value[2]
            case "offset":
                return stamp, round(value + self.value[2], 3)
            case _:
                return NEVER_MEASURED

    def rewrite(self, document: Any, within: str = "") -> Any:
        """Return what the document says instead; `within` is the key that holds it."""
        match document:
            case dict():
                return {
                    self._key(key): self.rewrite(value, key)
                    for key, value in document.items()
                    if not self._leaves_out(within, key)
                }
            case list() | tuple():
                return [self.rewrite(value, within) for value in document]
            case int() | float() if self.kind == "quoted":
                return str(document)
        return document

    def _key(self, key: str) -> str:
        renamed: str = self.value.get(key, key) if self.kind == "renamed" else key
        return renamed

    def _leaves_out(self, within: str, key: str) -> bool:
        return self.kind == "without" and (
            key in self.value or f"{within}.{key}" in self.value
        )


class Faults(list[Fault]):
    """Faults that are switched on, each knowing since when."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def append(self, fault: Fault) -> None:
        """Switch a fault on."""
        self.extend([fault])

    def extend(self, faults: Iterable[Fault]) -> None:
        """Switch faults on."""
        super().extend(faults)
        self._note_time()

    def met_by(
        self, api: Api, path: str, time: str | None = None, under_way: int = 0
    ) -> tuple[Fault | None, list[Fault], list[Fault]]:
        """Return the transport's fault that a request meets, and those of readings and documents."""
        self._note_time()
        matching = [fault for fault in self if fault.matches(api, path, time)]
        readings = [fault for fault in matching if fault.alias is not None]
        documents = [fault for fault in matching if fault.kind in _DOCUMENT_KINDS]
        now = self._clock.real()
        transport = next(
            (
                fault
                for fault in matching
                if fault.kind in _TRANSPORT_KINDS and fault.happens(now, under_way)
            ),
            None,
        )
        for fault in [*readings, *documents, *([transport] if transport else [])]:
            if fault.times is not None:
                fault.times -= 1
        return transport, readings, documents

    def _note_time(self) -> None:
        for fault in self:
            if fault.added is None:
                fault.added = self._clock.now()
