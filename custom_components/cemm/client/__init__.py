"""A client for the CEMM's local and remote Open APIs."""

from .addresses import check_url as check_url, clean_key as clean_key
from .discovery import Answer as Answer, discover as discover
from .errors import (
    NOTHING_THERE as NOTHING_THERE,
    AuthenticationError as AuthenticationError,
    BrokenOffError as BrokenOffError,
    BusyError as BusyError,
    Cemm3Error as Cemm3Error,
    CemmConnectionError as CemmConnectionError,
    CemmError as CemmError,
    CemmResponseError as CemmResponseError,
    CemmStatusError as CemmStatusError,
    CemmTimeoutError as CemmTimeoutError,
    EmptyError as EmptyError,
    ForbiddenError as ForbiddenError,
    GatewayError as GatewayError,
    InsecureUrlError as InsecureUrlError,
    NotCemmError as NotCemmError,
    NotConnectedError as NotConnectedError,
    PromiseError as PromiseError,
    UnsupportedAliasError as UnsupportedAliasError,
)
from .local import (
    USAGE as USAGE,
    LocalCemm as LocalCemm,
    base_url as base_url,
    clean_host as clean_host,
)
from .models import (
    GROUPS as GROUPS,
    MAX_CHANNELS as MAX_CHANNELS,
    MAX_METERS as MAX_METERS,
    REGISTERS as REGISTERS,
    CemmInfo as CemmInfo,
    History as History,
    Measurement as Measurement,
    Meter as Meter,
    Period as Period,
    Reading as Reading,
    Sample as Sample,
    normalize_mac as normalize_mac,
)
from .pace import Pace as Pace
from .protocol import CemmClient as CemmClient
from .remote import (
    DEFAULT_URL as DEFAULT_URL,
    RemoteApi as RemoteApi,
    RemoteCemm as RemoteCemm,
)
from .values import is_name as is_name, is_number as is_number
