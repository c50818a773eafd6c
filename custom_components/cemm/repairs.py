"""The way out of each issue that needs the user."""

import json
from typing import Any

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.const import CONF_HOST
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.selector import TextSelector
import voluptuous as vol

from .client import clean_host
from .const import CONF_CONNECTION, CONF_VOLUME_KINDS, DOMAIN
from .discovery import async_info
from .flows.base import Input, async_ask, runtime_of_dialog, volume_kind_selector
from .issues import NEWS, UNREACHABLE, VOLUME_KIND, WRONG_DEVICE
from .kinds import Options
from .meters.breaks import Break
from .runtime import CemmConfigEntry


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow for an issue that `issues` raised."""
    issue = ir.async_get(hass).async_get_issue(DOMAIN, issue_id)
    flow = _FLOWS.get(issue.translation_key or "") if issue else None
    return flow(issue) if issue and flow else ConfirmRepairFlow()


class IssueFlow(RepairsFlow):
    """A dialog about an issue of a CEMM: where that is over, so is the dialog."""

    _field = CONF_CONNECTION
    """What the entry must have for the issue to make sense."""

    def __init__(self, issue: ir.IssueEntry) -> None:
        self._about = {key: str(value) for key, value in (issue.data or {}).items()}
        self._said = issue.translation_placeholders
        self._raised = issue.issue_id

    def _entry(self) -> CemmConfigEntry:
        """Return the CEMM's entry as it is now."""
        issue = ir.async_get(self.hass).async_get_issue(DOMAIN, self._raised)
        entry = self.hass.config_entries.async_get_entry(self._about["entry_id"])
        if issue is None or entry is None or self._field not in entry.data:
            raise self._over()
        return entry

    def _over(self) -> AbortFlow:
        ir.async_delete_issue(self.hass, DOMAIN, self._raised)
        return AbortFlow("over", self._said)


class ChangeFlow(IssueFlow):
    """Says what was not counted, and lets the user say that it was use after all."""

    async def async_step_init(self, user_input: Input = None) -> RepairsFlowResult:
        """Ask."""
        self._entry()
        return self.async_show_menu(
            step_id="init",
            menu_options=["dismiss", "was_use"],
            description_placeholders=self._said,
        )

    async def async_step_dismiss(self, user_input: Input = None) -> RepairsFlowResult:
        """Leave it as it is."""
        self._entry()
        return self.async_create_entry(data={})

    async def async_step_was_use(self, user_input: Input = None) -> RepairsFlowResult:
        """Count it."""
        history = runtime_of_dialog(self._entry()).history
        breaks = json.loads(self._about.get("breaks", "[]"))
        await history.async_count_as_use([Break(**each) for each in breaks])
        return self.async_create_entry(data={})


class VolumeKindFlow(IssueFlow):
    """Asks what a meter measures."""

    async def async_step_init(self, user_input: Input = None) -> RepairsFlowResult:
        """Begin; what comes in is the issue's id, not from the user."""
        return await self.async_step_kind()

    async def async_step_kind(self, user_input: Input = None) -> RepairsFlowResult:
        """Ask, and have the entities made anew."""
        entry, alias = self._entry(), self._about["alias"]
        if alias not in runtime_of_dialog(entry).coordinator.roster.listed:
            raise self._over()
        if user_input is None:
            return self.async_show_form(
                step_id="kind",
                data_schema=vol.Schema({vol.Required("kind"): volume_kind_selector()}),
                description_placeholders=self._said,
            )
        kinds = {**Options.of(entry.options).volume_kinds, alias: user_input["kind"]}
        self.hass.config_entries.async_update_entry(
            entry, options={**entry.options, CONF_VOLUME_KINDS: kinds}
        )
        self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return self.async_create_entry(data={})


class AddressFlow(IssueFlow):
    """Asks for the address that a CEMM has now."""

    _field = CONF_HOST

    async def async_step_init(self, user_input: Input = None) -> RepairsFlowResult:
        """Begin; what comes in is the issue's id, not from the user."""
        return await self.async_step_address()

    async def async_step_address(self, user_input: Input = None) -> RepairsFlowResult:
        """Ask, and go on when the same CEMM answers there."""
        errors: dict[str, str] = {}
        entry = self._entry()
        if user_input is not None:
            host = clean_host(user_input[CONF_HOST])
            info = await async_ask(async_info(self.hass, host), errors)
            entry = self._entry()
            if info and info.mac != entry.unique_id:
                errors["base"] = "wrong_device"
            if not errors:
                self.hass.config_entries.async_update_entry(
                    entry, data={**entry.data, CONF_HOST: host}
                )
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
                return self.async_create_entry(data={})
        schema = vol.Schema({vol.Required(CONF_HOST): TextSelector()})
        return self.async_show_form(
            step_id="address",
            data_schema=self.add_suggested_values_to_schema(
                schema, user_input or entry.data
            ),
            description_placeholders=self._said,
            errors=errors,
        )


_FLOWS: dict[str, type[IssueFlow]] = {
    **dict.fromkeys(NEWS, ChangeFlow),
    **dict.fromkeys((UNREACHABLE, WRONG_DEVICE), AddressFlow),
    VOLUME_KIND: VolumeKindFlow,
}
