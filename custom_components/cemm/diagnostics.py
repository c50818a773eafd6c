"""What a user can attach to a bug report: everything except addresses and keys."""

from dataclasses import asdict
from typing import Any

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.const import CONF_API_KEY, CONF_HOST, CONF_MAC, CONF_URL
from homeassistant.core import HomeAssistant

from .const import CONF_UID
from .runtime import CemmConfigEntry

TO_REDACT = {CONF_API_KEY, CONF_HOST, CONF_MAC, CONF_UID, CONF_URL}


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: CemmConfigEntry
) -> dict[str, Any]:
    """Return the state of one CEMM."""
    coordinator = entry.runtime_data.coordinator
    history = entry.runtime_data.history
    return {
        "entry": async_redact_data(
            {"data": dict(entry.data), "options": dict(entry.options)}, TO_REDACT
        ),
        "cemm": async_redact_data(asdict(coordinator.roster.info), TO_REDACT),
        "last_update_success": coordinator.last_update_success,
        "mended": list(history.mended),
        "odd": {name: str(err) for name, err in coordinator.oddities.found.items()},
        "history": {
            "progress": history.progress,
            **history.waiting,
            "not_exact": {
                alias: {why: [str(day) for day in span] for why, span in notes.items()}
                for alias, notes in history.notes.items()
            },
        },
        "listed": {
            alias: meter.type for alias, meter in coordinator.roster.listed.items()
        },
        "meters": {
            alias: {
                "kind": data.kind,
                "available": data.available,
                "channels": {
                    key: [measurement.time, measurement.value]
                    for key, measurement in data.channels.items()
                },
                "registers": dict(data.registers),
            }
            for alias, data in coordinator.data.items()
        },
    }
