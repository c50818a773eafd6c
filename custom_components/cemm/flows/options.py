"""What can be changed after a CEMM was added."""

from collections.abc import Mapping
import logging
from typing import Any

from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig
import voluptuous as vol

from custom_components.cemm.client import NOTHING_THERE, CemmError, is_name
from custom_components.cemm.const import CONF_EXTRA_ALIASES, CONF_VOLUME_KINDS
from custom_components.cemm.kinds import MeterKind, meter_kind

from .base import volume_kind_selector
from .history import HistorySteps

_LOGGER = logging.getLogger(__name__)


class CemmOptionsFlow(HistorySteps):
    """Options of one CEMM."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Show what can be done."""
        return self.async_show_menu(
            step_id="init", menu_options=["settings", *self.history_options()]
        )

    async def async_step_settings(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for meters that cannot be listed, and for what pulse meters measure."""
        errors = {}
        if user_input is not None:
            typed = user_input[CONF_EXTRA_ALIASES]
            aliases = list(dict.fromkeys(alias.strip().lower() for alias in typed))
            if error := await self._async_check(aliases):
                errors[CONF_EXTRA_ALIASES] = error
            else:
                return self.async_create_entry(
                    data={
                        **self.config_entry.options,
                        **user_input,
                        CONF_EXTRA_ALIASES: aliases,
                    }
                )
        shown = user_input or self.config_entry.options
        return self.async_show_form(
            step_id="settings",
            data_schema=self.add_suggested_values_to_schema(
                self._schema(shown.get(CONF_VOLUME_KINDS, {})), shown
            ),
            errors=errors,
        )

    async def _async_check(self, aliases: list[str]) -> str | None:
        """Return the error of the first alias that can't be right.

        An outage is no reason to refuse one, nor is it for one that was accepted before.
        """
        if not all(map(is_name, aliases)):
            return "invalid_alias"
        if self.config_entry.state is not ConfigEntryState.LOADED:
            return None
        client = self.config_entry.runtime_data.coordinator.client
        for alias in aliases:
            if alias in self.config_entry.options.get(CONF_EXTRA_ALIASES, ()):
                continue
            try:
                await client.realtime(alias)
            except NOTHING_THERE:
                return "unknown_alias"
            except CemmError as err:
                _LOGGER.debug("Alias %s accepted unseen: %r", alias, err)
        return None

    def _schema(self, volume_kinds: Mapping[str, str]) -> vol.Schema:
        fields: dict[vol.Marker, Any] = {
            vol.Required(CONF_EXTRA_ALIASES, default=list): TextSelector(
                TextSelectorConfig(multiple=True)
            )
        }
        if pulse_meters := self._pulse_meters():
            kinds = vol.Schema(
                {vol.Optional(alias): volume_kind_selector() for alias in pulse_meters}
            )
            # A section shows its own default, whatever is suggested for its fields.
            shown = vol.Required(CONF_VOLUME_KINDS, default={**volume_kinds})
            fields[shown] = section(kinds)
        return vol.Schema(fields)

    def _pulse_meters(self) -> list[str]:
        """Return the pulse meters that do not say themselves what they measure."""
        known = set(self.config_entry.options.get(CONF_VOLUME_KINDS, {}))
        if self.config_entry.state is ConfigEntryState.LOADED:
            meters = self.config_entry.runtime_data.coordinator.roster.listed
            known |= {
                alias
                for alias, meter in meters.items()
                if meter_kind(meter, {}) is MeterKind.PULSE
            }
        return sorted(known)
