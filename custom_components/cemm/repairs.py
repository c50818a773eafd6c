"""The way out of each issue that needs the user."""

from typing import Any

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.helpers.selector import TextSelector
import voluptuous as vol

from .client import clean_host
from .const import CONF_VOLUME_KINDS
from .flows.base import async_ask, async_info, volume_kind_selector
from .issues import NEWS, VOLUME_KIND, as_text


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow for an issue that `issues` raised."""
    entry = hass.config_entries.async_get_entry((data or {}).get("entry_id", ""))
    if data is None or entry is None or issue_id.startswith(NEWS):
        return ConfirmRepairFlow()
    if issue_id.startswith(VOLUME_KIND):
        return VolumeKindFlow(entry, data["alias"])
    return AddressFlow(entry) if CONF_HOST in entry.data else ConfirmRepairFlow()


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
