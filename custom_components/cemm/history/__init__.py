"""From the CEMM's history to Home Assistant's statistics."""

from .ledger import Ledger
from .manager import HistoryManager

__all__ = ["HistoryManager", "Ledger"]
