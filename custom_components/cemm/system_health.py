"""What Home Assistant's system information says of this integration."""

from typing import Any

from homeassistant.components import system_health
from homeassistant.core import HomeAssistant, callback

from .client import DEFAULT_URL
from .const import DOMAIN
from .runtime import running


@callback
def async_register(
    hass: HomeAssistant, register: system_health.SystemHealthRegistration
) -> None:
    """Register what to show."""
    register.async_register_info(async_info)


async def async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return whether the remote API and the CEMMs can be reached."""
    entries = hass.config_entries.async_entries(
        DOMAIN, include_ignore=False, include_disabled=False
    )
    return {
        "can_reach_server": system_health.async_check_can_reach_url(hass, DEFAULT_URL),
        "cemms": len(entries),
        "unreachable": sum(
            (runtime := running(entry)) is None
            or not runtime.coordinator.last_update_success
            for entry in entries
        ),
    }
