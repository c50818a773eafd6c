"""Raising and clearing repair issues, and how names are shown in them and in dialogs."""

from collections.abc import Callable, Container, Iterable, Mapping
from datetime import timedelta
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

# What stays true of a CEMM that is not read any more.
LASTING = (*NEWS, INPUTS_SWAPPED)

_NOT_FIXABLE = (CLOCK_WRONG, METER_STOPPED, UNREACHABLE_REMOTE)

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
    data: Mapping[str, str] | None = None,
    changes: Iterable[str] = (),
    **placeholders: str,
) -> None:
    """Raise an issue, which stays until it is cleared; `repairs` has the flow for a fixable one."""
    if key in NEWS:
        # This is another event than the last one, whatever the user decided about that.
        async_clear(hass, entry, key, alias)
    titles = [other.title for other in hass.config_entries.async_entries(DOMAIN)]
    is_one_of_many = titles.count(entry.title) > 1
    names = {
        "name": f"{entry.title} ({entry.unique_id})" if is_one_of_many else entry.title,
        "alias": alias,
        "meter": async_meter_name(hass, entry, alias) if alias else "",
        **placeholders,
    }
    said = {name: as_text(text) for name, text in names.items() if text}
    if key in NEWS:
        said["changes"] = "\n".join(f"- {as_text(line)}" for line in changes)
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id(entry, key, alias),
        data={"entry_id": entry.entry_id, "alias": alias, **(data or {})},
        is_fixable=key not in _NOT_FIXABLE,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=key,
        translation_placeholders=said,
    )


@callback
def async_clear(
    hass: HomeAssistant, entry: ConfigEntry, key: str, alias: str = ""
) -> None:
    """Clear an issue whose cause has ended, raised or not."""
    ir.async_delete_issue(hass, DOMAIN, issue_id(entry, key, alias))


@callback
def async_clear_if(
    hass: HomeAssistant,
    entry: ConfigEntry,
    is_over: Callable[[str, str, ir.IssueEntry], bool],
) -> None:
    """Clear those issues of a CEMM of which that is so, told by key and alias."""
    for (domain, identifier), issue in list(ir.async_get(hass).issues.items()):
        key, found, alias = identifier.partition(f"_{entry.entry_id}")
        if domain == DOMAIN and found and is_over(key, alias.removeprefix("_"), issue):
            ir.async_delete_issue(hass, domain, identifier)


@callback
def async_tidy(hass: HomeAssistant, entry: ConfigEntry, known: Container[str]) -> None:
    """Clear the issues of all meters but the known ones, and news that is a week old."""
    week_ago = dt_util.utcnow() - NEWS_FOR

    def is_over(key: str, alias: str, issue: ir.IssueEntry) -> bool:
        is_gone = bool(alias) and alias not in known
        return is_gone or (key in NEWS and issue.created < week_ago)

    async_clear_if(hass, entry, is_over)
