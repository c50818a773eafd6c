"""The way out of each issue that needs the user."""

import json
from typing import Any

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.selector import TextSelector
import voluptuous as vol

from .client import clean_host
from .const import CONF_VOLUME_KINDS
from .flows.base import async_ask, async_info, volume_kind_selector
from .issues import INPUTS_SWAPPED, NEWS, VOLUME_KIND, as_text
from .meters.breaks import Break
from .runtime import CemmConfigEntry


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow for an issue that `issues` raised."""
    entry: CemmConfigEntry | None = hass.config_entries.async_get_entry(
        (data or {}).get("entry_id", "")
    )
    if data is None or entry is None or issue_id.startswith(INPUTS_SWAPPED):
        return ConfirmRepairFlow()
    if issue_id.startswith(NEWS):
        return ChangeFlow(entry, data)
    if issue_id.startswith(VOLUME_KIND):
        return VolumeKindFlow(entry, data["alias"])
    return AddressFlow(entry) if CONF_HOST in entry.data else ConfirmRepairFlow()


class ChangeFlow(RepairsFlow):
    """Says what was not counted, and lets the user say that it was use after all."""

    def __init__(self, entry: CemmConfigEntry, data: dict[str, Any]) -> None:
        """Remember what has changed."""
        self._entry = entry
        self._breaks = [Break(**each) for each in json.loads(data.get("breaks", "[]"))]

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask; the issue has the placeholders."""
        registry = ir.async_get(self.hass)
        issue = registry.async_get_issue(self.handler, self.issue_id)
        return self.async_show_menu(
            step_id="init",
            menu_options=["dismiss", "was_use"],
            description_placeholders=issue.translation_placeholders if issue else None,
        )

    async def async_step_dismiss(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Leave it as it is."""
        return self.async_create_entry(data={})

    async def async_step_was_use(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Count it."""
        if self._entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        await self._entry.runtime_data.history.async_count_as_use(self._breaks)
        return self.async_create_entry(data={})


class VolumeKindFlow(RepairsFlow):
    """Asks what a pulse meter measures."""

    def __init__(self, entry: ConfigEntry, alias: str) -> None:
        """Remember which meter."""
        self._entry = entry
        self._alias = alias

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin; what comes in is the issue's id, not from the user."""
        return await self.async_step_kind()

    async def async_step_kind(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask, and have the entities made anew."""
        if user_input is None:
            return self.async_show_form(
                step_id="kind",
                data_schema=vol.Schema({vol.Required("kind"): volume_kind_selector()}),
                description_placeholders={
                    "alias": as_text(self._alias),
                    "name": as_text(self._entry.title),
                },
            )
        options = self._entry.options
        kinds = {**options.get(CONF_VOLUME_KINDS, {}), self._alias: user_input["kind"]}
        self.hass.config_entries.async_update_entry(
            self._entry, options={**options, CONF_VOLUME_KINDS: kinds}
        )
        self.hass.config_entries.async_schedule_reload(self._entry.entry_id)
        return self.async_create_entry(data={})


class AddressFlow(RepairsFlow):
    """Asks for the address that a CEMM has now."""

    def __init__(self, entry: ConfigEntry) -> None:
        """Remember which CEMM."""
        self._entry = entry

    async def async_step_init(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Begin; what comes in is the issue's id, not from the user."""
        return await self.async_step_address()

    async def async_step_address(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask, and go on when the same CEMM answers there."""
        errors: dict[str, str] = {}
        if user_input is not None:
            host = clean_host(user_input[CONF_HOST])
            info = await async_ask(async_info(self.hass, host), errors)
            if info and info.mac != self._entry.unique_id:
                errors["base"] = "wrong_device"
            if not errors:
                self.hass.config_entries.async_update_entry(
                    self._entry, data={**self._entry.data, CONF_HOST: host}
                )
                self.hass.config_entries.async_schedule_reload(self._entry.entry_id)
                return self.async_create_entry(data={})
        schema = vol.Schema({vol.Required(CONF_HOST): TextSelector()})
        return self.async_show_form(
            step_id="address",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or self._entry.data
            ),
            description_placeholders={
                "name": as_text(self._entry.title),
                "host": as_text(self._entry.data[CONF_HOST]),
            },
            errors=errors,
        )
