"""What can be changed after a CEMM was added."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig
import voluptuous as vol

from custom_components.cemm.client import NOTHING_THERE, CemmError, is_name
from custom_components.cemm.const import (
    CONF_CONNECTION,
    CONF_EXTRA_ALIASES,
    CONF_VOLUME_KINDS,
    CONNECTION_REMOTE,
)
from custom_components.cemm.coordinator import CemmCoordinator
from custom_components.cemm.devices import async_registered_meters, async_remove_meter
from custom_components.cemm.issues import as_text
from custom_components.cemm.kinds import MeterKind, Options
from custom_components.cemm.runtime import running

from .base import PATIENCE, Input, volume_kind_selector
from .history import HistorySteps

# What is wrong with an alias; the first that fits any is what the user reads.
_ERRORS = ("invalid_alias", "remote_alias", "unknown_alias")
_SILENT = "silent"


class CemmOptionsFlow(HistorySteps):
    """Options of one CEMM."""

    async def async_step_init(self, user_input: Input = None) -> ConfigFlowResult:
        """Show what can be done."""
        return self.async_show_menu(
            step_id="init", menu_options=["settings", *self.history_options()]
        )

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
                self._remove_meters(set(old.extra_aliases).difference(aliases))
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

    def _remove_meters(self, aliases: Collection[str]) -> None:
        """Remove what was only asked for because the user said so.

        What the CEMM lists nevertheless comes back; a list of all meters decides itself.
        """
        if self._coordinator is None or not self._coordinator.client.lists_all_meters:
            for alias in aliases:
                async_remove_meter(self.hass, self.config_entry, alias)

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
