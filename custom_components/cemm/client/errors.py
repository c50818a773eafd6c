"""What can go wrong when asking a CEMM; no message ever holds a URL or a key."""

from email.utils import parsedate_to_datetime
from time import time

# Seconds; whoever asks for more is asked again nevertheless.
_LONGEST_REST = 3600.0


class CemmError(Exception):
    """Base of everything that the client raises."""

    retry_after: float | None = None
    """For how many seconds to ask less, if the answer says so."""


class CemmConnectionError(CemmError):
    """Nothing answers at the address, or the connection broke."""


class BrokenOffError(CemmConnectionError):
    """The connection was there, and broke before the answer was complete."""


class CemmTimeoutError(CemmConnectionError):
    """No complete answer in time."""


class CemmResponseError(CemmError):
    """An answer that is not what the protocol describes."""


class EmptyError(CemmResponseError):
    """An empty answer: nothing is there now."""


class NotCemmError(CemmResponseError):
    """Something answers at the address, but it is no CEMM."""


class Cemm3Error(NotCemmError):
    """A CEMM 3.0, whose data is served by another, unpublished protocol."""


class InsecureUrlError(CemmError):
    """An API key must not travel over plain HTTP beyond this machine."""


class CemmStatusError(CemmError):
    """An HTTP status that means failure."""

    def __init__(self, status: int) -> None:
        super().__init__(f"HTTP status {status}")
        self.status = status


class AuthenticationError(CemmStatusError):
    """401, 403: the API key is refused, unless `cemm/` says otherwise."""


class ForbiddenError(CemmStatusError):
    """401, 403: not allowed, though the key, if there is one, is good."""


class NotConnectedError(CemmStatusError):
    """404, and each 4xx that means nothing else: nothing is there now."""


class UnsupportedAliasError(NotConnectedError):
    """412: this endpoint does not know the alias."""


class BusyError(CemmStatusError):
    """429, 503: too much was asked."""


class GatewayError(CemmStatusError):
    """408, 502: the remote API could not get it from the CEMM."""


class PromiseError(CemmStatusError):
    """202: the remote API has asked the CEMM and has no answer yet."""


_BY_STATUS: dict[int, type[CemmStatusError]] = {
    202: PromiseError,
    401: AuthenticationError,
    403: AuthenticationError,
    408: GatewayError,
    412: UnsupportedAliasError,
    429: BusyError,
    502: GatewayError,
    503: BusyError,
}

NOTHING_THERE = (NotConnectedError, EmptyError)
"""What says that nothing is there now. All other errors except a refusal: ask again."""


def error_for_status(status: int, retry_after: str = "") -> CemmStatusError:
    """Return the error that stands for an HTTP status other than 200.

    ``retry_after`` is the header: seconds, or a date (RFC 9110, 10.2.3).
    """
    other = NotConnectedError if 400 <= status < 500 else CemmStatusError
    error = _BY_STATUS.get(status, other)(status)
    if isinstance(error, BusyError):
        error.retry_after = _seconds(retry_after)
    return error


def _seconds(retry_after: str) -> float | None:
    """Return what the header says, at most an hour; None if that is nothing."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time()
        except ValueError, OverflowError:
            return None
    return min(max(seconds, 0.0), _LONGEST_REST)
