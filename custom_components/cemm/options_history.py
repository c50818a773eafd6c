"""The options' step that brings a CEMM's meters to the Energy dashboard."""

from typing import Any

from homeassistant.config_entries import (
    ConfigEntryState,
    ConfigFlowResult,
    OptionsFlowWithReload,
)

from .coordinator import CemmConfigEntry
from .energy import async_add_to_dashboard


class HistorySteps(OptionsFlowWithReload):
    """Steps that act at once and change no option."""

    config_entry: CemmConfigEntry

    def history_options(self) -> list[str]:
        """Return the steps that the menu can offer now."""
        if (
            self.config_entry.state is not ConfigEntryState.LOADED
            or "energy" not in self.hass.config.components
        ):
            return []
        return ["energy_dashboard"]

    async def async_step_energy_dashboard(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Add the meters to the Energy dashboard and say which sensors it has now."""
        added = await async_add_to_dashboard(
            self.hass, self.config_entry.runtime_data.coordinator
        )
        if not added:
            return self.async_abort(reason="energy_dashboard_complete")
        states = map(self.hass.states.get, added)
        return self.async_abort(
            reason="energy_dashboard_updated",
            description_placeholders={
                "sensors": "\n".join(f"- {state.name}" for state in states if state)
            },
        )
