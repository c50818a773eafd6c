"""What lives as long as a loaded config entry."""

from dataclasses import dataclass

from homeassistant.config_entries import ConfigEntry

from .coordinator import CemmCoordinator
from .history import HistoryManager


@dataclass(slots=True)
class CemmRuntime:
    """The parts of one CEMM that run."""

    coordinator: CemmCoordinator
    history: HistoryManager


type CemmConfigEntry = ConfigEntry[CemmRuntime]
