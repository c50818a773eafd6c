"""What all ways to a CEMM share: asking it, and making or changing its entry."""

import asyncio
from collections.abc import Awaitable
import logging
from traceback import format_tb
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
)
import voluptuous as vol

from custom_components.cemm.client import (
    AuthenticationError,
    Cemm3Error,
    CemmError,
    CemmResponseError,
    InsecureUrlError,
    NotConnectedError,
)
from custom_components.cemm.const import CONF_CONNECTION, CONF_IMPORT_HISTORY
from custom_components.cemm.discovery import async_info
from custom_components.cemm.issues import as_text
from custom_components.cemm.runtime import CemmConfigEntry, CemmRuntime, running

_LOGGER = logging.getLogger(__name__)

# What the user sent to a step; None where the step is to show what it asks.
type Input = dict[str, Any] | None

HISTORY_SCHEMA = vol.Schema(
    {vol.Required(CONF_IMPORT_HISTORY, default=True): BooleanSelector()}
)

# The first that fits is what the user reads.
_ERRORS: tuple[tuple[type[Exception], str], ...] = (
    (InsecureUrlError, "insecure_url"),
    (Cemm3Error, "cemm_3"),
    (AuthenticationError, "invalid_auth"),
    (CemmResponseError, "not_cemm"),
    (NotConnectedError, "not_cemm"),
    (Exception, "cannot_connect"),
)

# Seconds that the user waits for an answer.
PATIENCE = 15.0


def choice(field: str, labels: dict[str, str]) -> vol.Schema:
    """Return a form with one choice: value → label."""
    options = [
        SelectOptionDict(value=value, label=label) for value, label in labels.items()
    ]
    return vol.Schema(
        {vol.Required(field): SelectSelector(SelectSelectorConfig(options=options))}
    )


def volume_kind_selector() -> SelectSelector:
    """Return the choice between water and gas."""
    return SelectSelector(
        SelectSelectorConfig(options=["water", "gas"], translation_key="volume_kind")
    )


async def async_ask[T](question: Awaitable[T], errors: dict[str, str]) -> T | None:
    """Return the answer; None if there is none, with the reason in ``errors``."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await question
    except (CemmError, TimeoutError) as err:
        errors["base"] = next(key for kind, key in _ERRORS if isinstance(err, kind))
    except Exception as err:  # noqa: BLE001  the user can go on, whatever it is
        # Only where it happened: the message might quote a URL, and so the key.
        _LOGGER.error(
            "Unexpected %s while asking a CEMM:\n%s",
            type(err).__name__,
            "".join(format_tb(err.__traceback__)),
        )
        errors["base"] = "unknown"
    return None


@callback
def entry_of_dialog(
    hass: HomeAssistant, entry_id: str, field: str = CONF_CONNECTION
) -> CemmConfigEntry:
    """Return the entry that a dialog is about, as it is now.

    The dialog ends where the entry is gone, or has no such field any more.
    """
    entry = hass.config_entries.async_get_entry(entry_id)
    if entry is None or field not in entry.data:
        raise AbortFlow("over")
    return entry


@callback
def runtime_of_dialog(entry: CemmConfigEntry) -> CemmRuntime:
    """Return what runs of a CEMM; a dialog that needs it ends where nothing does."""
    if (runtime := running(entry)) is None:
        raise AbortFlow("not_loaded", {"name": as_text(entry.title)})
    return runtime


async def async_serves(hass: HomeAssistant, host: str, mac: str) -> bool:
    """Whether the CEMM with this MAC answers at an address.

    One question that fails says nothing: it is asked twice.
    """
    for _ in range(2):
        if info := await async_ask(async_info(hass, host), {}):
            return info.mac == mac
    return False


class CemmFlow(ConfigFlow):
    """The end of every way to a CEMM: an entry whose unique id is the MAC."""

    VERSION = 1

    _title: str
    _data: dict[str, str]
    """Of the entry to come."""

    @callback
    @override
    def _get_reconfigure_entry(self) -> CemmConfigEntry:
        return entry_of_dialog(self.hass, self._reconfigure_entry_id)

    async def _async_finish(
        self, mac: str, title: str, data: dict[str, str]
    ) -> ConfigFlowResult:
        """Change the entry that is reconfigured, or go on to make one."""
        await self.async_set_unique_id(mac, raise_on_progress=False)
        if self.source == SOURCE_RECONFIGURE:
            self._abort_if_unique_id_mismatch(reason="wrong_device")
            return self.async_update_reload_and_abort(
                self._get_reconfigure_entry(), data=data
            )
        self._abort_if_unique_id_configured()
        self._title = title
        self._data = data
        return await self.async_step_history()

    async def async_step_history(self, user_input: Input = None) -> ConfigFlowResult:
        """Offer to import the past years."""
        if user_input is None:
            return self.async_show_form(step_id="history", data_schema=HISTORY_SCHEMA)
        return self.async_create_entry(
            title=self._title, data=self._data, options=user_input
        )
