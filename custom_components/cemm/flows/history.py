"""The options' steps that bring a CEMM's past and its meters to the Energy dashboard."""

import asyncio
from datetime import date
import logging
from time import time
from typing import override

from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import DateSelector
from homeassistant.helpers.translation import async_get_translations
import voluptuous as vol

from custom_components.cemm.client import CemmError
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.days import date_at
from custom_components.cemm.devices import async_meter_name
from custom_components.cemm.energy import async_add_to_dashboard
from custom_components.cemm.issues import as_text
from custom_components.cemm.runtime import CemmConfigEntry, running

from .base import Input, entry_of_dialog, runtime_of_dialog

_LOGGER = logging.getLogger(__name__)

_START_DATE = "start_date"
_END_DATE = "end_date"

IMPORT_SCHEMA = vol.Schema(
    {vol.Optional(_START_DATE): DateSelector(), vol.Optional(_END_DATE): DateSelector()}
)

# Each step, and the component that it works for.
_STEPS = {"import_history": "recorder", "energy_dashboard": "energy"}


class HistorySteps(OptionsFlowWithReload):
    """Steps that act at once and change no option."""

    _import: asyncio.Task[dict[str, int]]

    @property
    @override
    def config_entry(self) -> CemmConfigEntry:
        """Return the entry, as long as there is one."""
        return entry_of_dialog(self.hass, self.handler)

    def history_options(self) -> list[str]:
        """Return the steps that the menu can offer now."""
        loaded = self.hass.config.components if running(self.config_entry) else ()
        return [step for step, component in _STEPS.items() if component in loaded]

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
