"""What single values of the wire format mean, whatever JSON says instead of them."""

from collections.abc import Mapping
import re
from typing import Any, TypeIs

MAX_TEXT = 64

# Beyond what any meter shows, and below where floats lose a thousandth.
MAX_VALUE = 1e12
MAX_TIME = 4_102_444_800  # the year 2100

# Aliases and channel names become parts of URLs and of unique ids.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?", re.ASCII)


def is_name(name: str) -> bool:
    """Whether this may be used as an alias or a channel name."""
    return _NAME.fullmatch(name) is not None


def is_number(value: object) -> bool:
    """Whether this is a number that a meter can show: no NaN, boolean or text."""
    return _is_numeric(value) and abs(value) < MAX_VALUE


def is_time(value: object) -> bool:
    """Whether this is a time in milliseconds; 0 means: never measured."""
    return _is_numeric(value) and 1 <= value < MAX_TIME * 1000


def trimmed(typed: str) -> str:
    """Return what a user typed or pasted without what can't be seen around it."""
    seen = [n for n, char in enumerate(typed) if char.isprintable() and char != " "]
    return typed[seen[0] : seen[-1] + 1] if seen else ""


def unquoted(value: Any) -> Any:
    """Return the number that a text holds, as some firmware writes it; else the value."""
    if type(value) is str and _NUMBER.fullmatch(value):
        return float(value) if "." in value else int(value)
    return value


def text(raw: Mapping[str, Any], key: str) -> str | None:
    """Return a short text, with numbers (versions) as text too.

    Only what can be shown: half a surrogate pair could not even be stored.
    """
    value = raw.get(key)
    if type(value) in (int, float):
        value = str(value)
    if not isinstance(value, str):
        return None
    return "".join(filter(str.isprintable, value[:MAX_TEXT])).strip() or None


def _is_numeric(value: object) -> TypeIs[int | float]:
    # To isinstance a boolean is a number too.
    return type(value) in (int, float)
