"""What can be changed after a CEMM was added, and its way to the Energy dashboard."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
import logging
from time import time
from typing import Any, override

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.data_entry_flow import section
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import (
    DateSelector,
    TextSelector,
    TextSelectorConfig,
)
from homeassistant.helpers.translation import async_get_translations
import voluptuous as vol

from custom_components.cemm.client import NOTHING_THERE, CemmError, is_name
from custom_components.cemm.const import (
    CONF_CONNECTION,
    CONF_EXTRA_ALIASES,
    CONF_VOLUME_KINDS,
    CONNECTION_REMOTE,
    DOMAIN,
)
from custom_components.cemm.coordinator import CemmCoordinator
from custom_components.cemm.days import date_at
from custom_components.cemm.devices import (
    async_meter_name,
    async_registered_meters,
    async_remove_meter,
)
from custom_components.cemm.energy import async_add_to_dashboard
from custom_components.cemm.issues import as_text
from custom_components.cemm.kinds import MeterKind, Options
from custom_components.cemm.runtime import CemmConfigEntry, running

from .base import (
    PATIENCE,
    Input,
    entry_of_dialog,
    runtime_of_dialog,
    volume_kind_selector,
)

_LOGGER = logging.getLogger(__name__)

_START_DATE = "start_date"
_END_DATE = "end_date"

IMPORT_SCHEMA = vol.Schema(
    {vol.Optional(_START_DATE): DateSelector(), vol.Optional(_END_DATE): DateSelector()}
)

# The steps that act at once, and the component that each works for.
_ACTIONS = {"import_history": "recorder", "energy_dashboard": "energy"}

# What is wrong with an alias; the first that fits any is what the user reads.
_ERRORS = ("invalid_alias", "remote_alias", "unknown_alias")
_SILENT = "silent"


class CemmOptionsFlow(OptionsFlowWithReload):
    """Options of one CEMM, and steps that act at once and change none."""

    _import: asyncio.Task[dict[str, int]]

    @property
    @override
    def config_entry(self) -> CemmConfigEntry:
        """Return the entry, as long as there is one."""
        return entry_of_dialog(self.hass, self.handler)

    async def async_step_init(self, user_input: Input = None) -> ConfigFlowResult:
        """Show what can be done now."""
        loaded = self.hass.config.components if running(self.config_entry) else ()
        actions = [step for step, component in _ACTIONS.items() if component in loaded]
        return self.async_show_menu(step_id="init", menu_options=["settings", *actions])

    async def async_step_settings(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask for meters that cannot be listed, and for what some meters measure."""
        old = Options.of(self.config_entry.options)
        error, wrong = "", list[str]()
        if user_input is not None:
            typed = user_input[CONF_EXTRA_ALIASES]
            aliases = list(dict.fromkeys(alias.strip().lower() for alias in typed))
            new = [alias for alias in aliases if alias not in old.extra_aliases]
            answers = await asyncio.gather(*map(self._async_try, new))
            found = dict(zip(new, answers, strict=True))
            error = next((error for error in _ERRORS if error in found.values()), "")
            wrong = [alias for alias in new if found[alias] == (error or _SILENT)]
            if not error:
                # A list of all meters decides itself; what it lists comes back anyway.
                client = self._coordinator.client if self._coordinator else None
                if client is None or not client.lists_all_meters:
                    for alias in set(old.extra_aliases).difference(aliases):
                        async_remove_meter(self.hass, self.config_entry, alias)
                kinds = user_input.get(CONF_VOLUME_KINDS, {})
                return self._save(aliases, kinds, unseen=wrong)
        shown = {CONF_VOLUME_KINDS: {}, **(user_input or asdict(old))}
        return self.async_show_form(
            step_id="settings",
            data_schema=self.add_suggested_values_to_schema(
                self._schema(shown[CONF_VOLUME_KINDS]), shown
            ),
            description_placeholders={"aliases": as_text(", ".join(wrong))},
            errors={CONF_EXTRA_ALIASES: error} if error else {},
        )

    async def _async_try(self, alias: str) -> str | None:
        """Return what is wrong with an alias that is new.

        An outage is no reason to refuse one.
        """
        if not is_name(alias):
            return "invalid_alias"
        if self._coordinator is None:
            return _SILENT
        try:
            async with asyncio.timeout(PATIENCE):
                await self._coordinator.client.realtime(alias)
        except NOTHING_THERE:
            is_remote = self.config_entry.data[CONF_CONNECTION] == CONNECTION_REMOTE
            return "remote_alias" if is_remote else "unknown_alias"
        except CemmError, TimeoutError:
            return _SILENT
        return None

    def _save(
        self, aliases: list[str], kinds: dict[str, str], *, unseen: list[str]
    ) -> ConfigFlowResult:
        entry = self.config_entry
        data = {**entry.options, CONF_EXTRA_ALIASES: aliases}
        if kinds or CONF_VOLUME_KINDS in data:
            there = self._with_unsaid_volume()
            data[CONF_VOLUME_KINDS] = {
                alias: kind for alias, kind in kinds.items() if alias in there
            }
        if not unseen:
            return self.async_create_entry(data=data)
        # Where a flow ends well, Home Assistant's own text is all that it shows.
        self.hass.config_entries.async_update_entry(entry, options=data)
        self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return self.async_abort(
            reason="aliases_unseen",
            description_placeholders={"aliases": as_text(", ".join(unseen))},
        )

    def _schema(self, volume_kinds: Mapping[str, str]) -> vol.Schema:
        fields: dict[vol.Marker, Any] = {
            vol.Required(CONF_EXTRA_ALIASES, default=list): TextSelector(
                TextSelectorConfig(multiple=True)
            )
        }
        if meters := self._with_unsaid_volume():
            kinds = vol.Schema(
                {vol.Optional(alias): volume_kind_selector() for alias in meters}
            )
            # A section shows its own default, whatever is suggested for its fields.
            shown = vol.Required(CONF_VOLUME_KINDS, default={**volume_kinds})
            fields[shown] = section(kinds)
        return vol.Schema(fields)

    def _with_unsaid_volume(self) -> list[str]:
        """Return the meters that do not say themselves what they measure."""
        said = Options.of(self.config_entry.options).volume_kinds.keys()
        if self._coordinator is None:
            return sorted(said)
        data = self._coordinator.data
        known = (
            async_registered_meters(self.hass, self.config_entry).keys() | data.keys()
        )
        pulse = {alias for alias, each in data.items() if each.kind is MeterKind.PULSE}
        return sorted(said & known | pulse)

    @property
    def _coordinator(self) -> CemmCoordinator | None:
        """What reads the CEMM, while something does."""
        runtime = running(self.config_entry)
        return runtime.coordinator if runtime else None

    async def async_step_energy_dashboard(
        self, user_input: Input = None
    ) -> ConfigFlowResult:
        """Add the meters to the Energy dashboard and say which sensors it has now."""
        coordinator = runtime_of_dialog(self.config_entry).coordinator
        added, moved = await async_add_to_dashboard(self.hass, coordinator)
        if not added:
            return self.async_abort(reason="energy_dashboard_complete")
        states = map(self.hass.states.get, added)
        return self.async_abort(
            reason="energy_dashboard_moved" if moved else "energy_dashboard_updated",
            description_placeholders={
                "sensors": "\n".join(
                    f"- {as_text(state.name)}" for state in states if state
                )
            },
        )

    async def async_step_import_history(
        self, user_input: Input = None
    ) -> ConfigFlowResult:
        """Ask for the days to import; without any, it is all that the CEMM remembers."""
        errors = {}
        history = runtime_of_dialog(self.config_entry).history
        if user_input is not None:
            start, end = (
                date.fromisoformat(user_input[field]) if field in user_input else None
                for field in (_START_DATE, _END_DATE)
            )
            if start and end and end < start:
                errors[_END_DATE] = "end_before_start"
            elif start and start > date_at(time()):
                errors[_START_DATE] = "date_ahead"
            else:
                self._import = self.hass.async_create_task(
                    history.async_import(start, end, self.async_update_progress),
                    "CEMM import that the user watches",
                )
                return await self.async_step_importing()
        return self.async_show_form(
            step_id="import_history",
            data_schema=self.add_suggested_values_to_schema(
                IMPORT_SCHEMA, user_input or {}
            ),
            errors=errors,
        )

    async def async_step_importing(self, user_input: Input = None) -> ConfigFlowResult:
        """Show how far the import is; it goes on when the user closes the window."""
        if not self._import.done():
            return self.async_show_progress(
                step_id="importing",
                progress_action="import_history",
                progress_task=self._import,
            )
        return self.async_show_progress_done(next_step_id="imported")

    async def async_step_imported(self, user_input: Input = None) -> ConfigFlowResult:
        """Say how much was imported."""
        try:
            hours = sum(self._import.result().values())
        except asyncio.CancelledError, CemmError, HomeAssistantError:
            return self.async_abort(reason="import_failed")
        except Exception:
            _LOGGER.exception("Unexpected error while importing history")
            return self.async_abort(reason="import_failed")
        reason = "history_imported" if hours else "history_complete"
        notes = await self._async_notes()
        return self.async_abort(
            reason="history_inexact" if notes else reason,
            description_placeholders={"hours": str(hours), "notes": notes},
        )

    async def _async_notes(self) -> str:
        """Return what is not exact, and why, a line for each meter and reason."""
        texts = await async_get_translations(
            self.hass, self.hass.config.language, "common", [DOMAIN]
        )
        lines = []
        for alias, notes in runtime_of_dialog(self.config_entry).history.notes.items():
            meter = async_meter_name(self.hass, self.config_entry, alias)
            for why, span in notes.items():
                when = " - ".join(map(str, dict.fromkeys(span)))
                text = texts[f"component.{DOMAIN}.common.past_{why}"]
                lines.append(f"- {as_text(meter)}, {when}: {text}")
        return "\n".join(lines)
