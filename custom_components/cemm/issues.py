"""Raising and clearing repair issues, and how names are shown in them and in dialogs."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import product
import re

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .devices import async_meter_name

CLOCK_WRONG = "clock_wrong"
UNREACHABLE = "cemm_unreachable"
UNREACHABLE_REMOTE = "cemm_unreachable_remote"
INPUTS_SWAPPED = "inputs_swapped"
METER_LEAPT = "meter_leapt"
METER_REMADE = "meter_remade"
METER_REPLACED = "meter_replaced"
METER_STOPPED = "meter_stopped"
VOLUME_KIND = "volume_kind"
WRONG_DEVICE = "wrong_device"

# What has happened to a meter and is no more than news.
NEWS = (METER_LEAPT, METER_REMADE, METER_REPLACED)
NEWS_FOR = timedelta(days=7)


# What makes Markdown or HTML of a text. An underscore within a word does not, and neither
# does an ampersand between two.
_MARKUP = re.compile(
    r"""
      [][<>*`~|\\]
    | (?<![^\W_])_ | _(?![^\W_])
    | &(?=\#?\w+;)                            # &lt; is a character too
    | :(?=//) | (?<=www)\. | (?<=\S)@(?=\S)    # addresses are links by themselves
    | ^\# | ^[-+](?=\s) | (?<=^\d)[.)](?=\s)  # a heading, a list
    """,
    re.IGNORECASE | re.VERBOSE,
)
# From an ASCII character to the wide one that looks like it.
_WIDE = 0xFEE0


def as_text(name: str) -> str:
    """Return a name that a CEMM gave or a user typed, to be a placeholder.

    Dialogs and repairs read their texts as Markdown, whatever a placeholder holds: a
    picture in it would be fetched, and a link would look like the integration's own. A
    backslash would show where no Markdown is read, as in titles: a look-alike does not.
    """
    return _MARKUP.sub(lambda found: chr(ord(found[0]) + _WIDE), name)


def issue_id(entry: ConfigEntry, key: str, alias: str = "") -> str:
    """Return the id of an issue of a CEMM, or of one of its meters."""
    return "_".join(filter(None, (key, entry.entry_id, alias)))


@callback
def async_raise(
    hass: HomeAssistant,
    entry: ConfigEntry,
    key: str,
    alias: str = "",
    *,
    fixable: bool = False,
    persistent: bool = False,
    data: Mapping[str, str] | None = None,
    changes: Iterable[str] = (),
    **placeholders: str,
) -> None:
    """Raise an issue; `repairs` has the flow for a fixable one."""
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(entry, key, alias),
        data={"entry_id": entry.entry_id, "alias": alias, **(data or {})},
        is_fixable=fixable,
        is_persistent=persistent,
        severity=ir.IssueSeverity.WARNING,
        translation_key=key,
        translation_placeholders={
            key: as_text(text)
            for key, text in {
                "name": entry.title,
                "alias": alias,
                "meter": async_meter_name(hass, entry, alias),
                **placeholders,
            }.items()
        }
        | {"changes": "\n".join(f"- {as_text(line)}" for line in changes)},
    )


@callback
def async_clear(
    hass: HomeAssistant, entry: ConfigEntry, key: str, alias: str = ""
) -> None:
    """Clear an issue whose cause has ended, raised or not."""
    ir.async_delete_issue(hass, DOMAIN, issue_id(entry, key, alias))


@callback
def async_expire_news(
    hass: HomeAssistant, entry: ConfigEntry, aliases: Iterable[str]
) -> None:
    """Clear the news of a meter once it has counted on for a week."""
    registry = ir.async_get(hass)
    for alias, key in product(aliases, NEWS):
        issue = registry.async_get_issue(DOMAIN, issue_id(entry, key, alias))
        if issue and dt_util.utcnow() - issue.created > NEWS_FOR:
            async_clear(hass, entry, key, alias)


@callback
def async_clear_all(
    hass: HomeAssistant, entry: ConfigEntry, *, persistent: bool
) -> None:
    """Clear all issues of a CEMM that is not read any more.

    News that outlives a restart of Home Assistant only goes if ``persistent``.
    """
    for (domain, identifier), issue in list(ir.async_get(hass).issues.items()):
        if (
            domain == DOMAIN
            and entry.entry_id in identifier
            and (persistent or not issue.is_persistent)
        ):
            ir.async_delete_issue(hass, domain, identifier)
