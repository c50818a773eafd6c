"""What users type or paste as the remote API's address, and as their key."""

from ipaddress import ip_address
from itertools import pairwise
import re
from urllib.parse import unquote

from yarl import URL

from .errors import CemmConnectionError, InsecureUrlError
from .http import parse_url
from .values import trimmed

_VERSION = re.compile("v[0-9]+", re.IGNORECASE)


def check_url(url: str) -> URL:
    """Return a base address that an API key may be sent to.

    What follows it in an example of the document is cut off, a key above all.
    Raises InsecureUrlError for plain HTTP beyond this machine, and
    CemmConnectionError for what is no address.
    """
    url = trimmed(url).lstrip("/")
    named = "://" in url
    try:
        base = parse_url(url if named else f"https://{url}")
        valid = (
            base.scheme in ("http", "https")
            and bool(base.host)
            # A single word may be the key: nobody is asked for its address.
            and (named or "." in (base.host or ""))
            # Credentials are mostly a disguise: https://known.example@evil.example
            and not (base.user or base.password)
        )
    except ValueError:
        valid = False
    if not valid:
        raise CemmConnectionError("no web address")
    if base.scheme == "http" and not _is_loopback(base):
        raise InsecureUrlError("plain HTTP")
    return base.with_path(_base_path(base.raw_path), encoded=True)


def _base_path(path: str) -> str:
    """Return the path up to the API's version, or all of it where none is named."""
    parts = list(filter(None, path.split("/")))
    for n, (version, endpoint) in enumerate(pairwise(parts), 1):
        if _VERSION.fullmatch(version) and endpoint.lower() == "cemm":
            parts = parts[:n]
            break
    return "/".join(["", *parts, ""])


def clean_key(typed: str) -> str:
    """Return the key of what a user typed or pasted: maybe the address that holds it."""
    _, _, in_address = typed.partition("api_key=")
    if in_address:
        typed = unquote(re.split("[&#]", in_address)[0])
    return trimmed(typed)


def _is_loopback(url: URL) -> bool:
    try:
        return url.host == "localhost" or ip_address(url.host or "").is_loopback
    except ValueError:
        return False
