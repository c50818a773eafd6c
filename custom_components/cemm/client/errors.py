"""What can go wrong when asking a CEMM; no message ever holds a URL or a key."""


class CemmError(Exception):
    """Base of everything that the client raises."""


class CemmConnectionError(CemmError):
    """Nothing answers at the address, or the connection broke."""


class CemmTimeoutError(CemmConnectionError):
    """No complete answer in time."""


class CemmResponseError(CemmError):
    """An answer that is not what the protocol describes."""


class NotCemmError(CemmResponseError):
    """Something answers at the address, but it is no CEMM."""


class Cemm3Error(NotCemmError):
    """A CEMM 3.0, whose data is served by another, unpublished protocol."""


class InsecureUrlError(CemmError):
    """An API key must not travel over plain HTTP beyond this machine."""


class CemmStatusError(CemmError):
    """An HTTP status that means failure."""

    def __init__(self, status: int) -> None:
        """Remember the HTTP status."""
        super().__init__(f"HTTP status {status}")
        self.status = status


class AuthenticationError(CemmStatusError):
    """403: the API key is refused."""


class NotConnectedError(CemmStatusError):
    """404 (locally any 4xx): no meter is connected under this alias."""


class CemmUnreachableError(CemmStatusError):
    """408: the remote API got no answer from the CEMM."""


class UnsupportedAliasError(CemmStatusError):
    """412: this endpoint does not know the alias."""


class GatewayError(CemmStatusError):
    """502: a fault in the remote API."""


class PromiseError(CemmStatusError):
    """202: the remote API has asked the CEMM and has no answer yet."""


_BY_STATUS: dict[int, type[CemmStatusError]] = {
    202: PromiseError,
    403: AuthenticationError,
    404: NotConnectedError,
    408: CemmUnreachableError,
    412: UnsupportedAliasError,
    502: GatewayError,
}


def error_for_status(status: int) -> CemmStatusError:
    """Return the error that stands for an HTTP status other than 200."""
    return _BY_STATUS.get(status, CemmStatusError)(status)
