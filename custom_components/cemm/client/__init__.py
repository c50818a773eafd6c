"""A client for the CEMM's local and remote Open APIs."""

from .discovery import Answer, discover
from .errors import (
    AuthenticationError,
    Cemm3Error,
    CemmConnectionError,
    CemmError,
    CemmResponseError,
    CemmStatusError,
    CemmTimeoutError,
    CemmUnreachableError,
    GatewayError,
    InsecureUrlError,
    NotCemmError,
    NotConnectedError,
    PromiseError,
    UnsupportedAliasError,
)
from .local import LocalCemm
from .models import (
    COUNTERS,
    CemmInfo,
    History,
    Measurement,
    Meter,
    Period,
    Reading,
    Sample,
    is_name,
    normalize_mac,
)
from .protocol import CemmClient
from .remote import DEFAULT_URL, RemoteApi, RemoteCemm

__all__ = [
    "COUNTERS",
    "DEFAULT_URL",
    "Answer",
    "AuthenticationError",
    "Cemm3Error",
    "CemmClient",
    "CemmConnectionError",
    "CemmError",
    "CemmInfo",
    "CemmResponseError",
    "CemmStatusError",
    "CemmTimeoutError",
    "CemmUnreachableError",
    "GatewayError",
    "History",
    "InsecureUrlError",
    "LocalCemm",
    "Measurement",
    "Meter",
    "NotCemmError",
    "NotConnectedError",
    "Period",
    "PromiseError",
    "Reading",
    "RemoteApi",
    "RemoteCemm",
    "Sample",
    "UnsupportedAliasError",
    "discover",
    "is_name",
    "normalize_mac",
]
