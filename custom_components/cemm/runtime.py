"""What lives as long as a loaded config entry."""

from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry, ConfigEntryState

from .coordinator import CemmCoordinator
from .history import HistoryManager


@dataclass(slots=True)
class CemmRuntime:
    """The parts of one CEMM that run."""

    coordinator: CemmCoordinator
    history: HistoryManager


type CemmConfigEntry = ConfigEntry[CemmRuntime]


def running(entry: CemmConfigEntry) -> CemmRuntime | None:
    """Return what runs of a CEMM, while it is set up."""
    return entry.runtime_data if entry.state is ConfigEntryState.LOADED else None
