"""The menu of the options, and days to choose."""

from datetime import date, datetime, timedelta

from homeassistant.config_entries import ConfigFlowResult
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.cemm.days import TIME_ZONE


def days_ago(number: int) -> date:
    return datetime.now(TIME_ZONE).date() - timedelta(days=number)


async def choose(
    hass: HomeAssistant, entry: MockConfigEntry, step: str
) -> ConfigFlowResult:
    """Open the options and choose from the menu."""
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    assert menu["type"] is FlowResultType.MENU
    return await hass.config_entries.options.async_configure(
        menu["flow_id"], {"next_step_id": step}
    )


async def offered(hass: HomeAssistant, entry: MockConfigEntry) -> list[str]:
    menu = await hass.config_entries.options.async_init(entry.entry_id)
    return list(menu["menu_options"])
