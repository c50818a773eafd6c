"""What the pages say, by the keys of the translations that they take it from."""

from functools import cached_property
import json
from pathlib import Path
from typing import Any

import hass_frontend
from homeassistant.components import homeassistant as core

from dev.demo.homeassistant import INTEGRATION


class Words:
    """The texts of one language (en, nl, …)."""

    def __init__(self, language: str) -> None:
        self.language = language

    def cemm(self, key: str, **values: str) -> str:
        """Return a text of this integration, `values` put in. Raises KeyError."""
        return _find(self._cemm, key).format(**values)

    def core(self, key: str) -> str:
        """Return a text that Home Assistant has for all integrations. Raises KeyError."""
        return _find(self._core, key)

    def ha(self, key: str) -> str:
        """Return a text of Home Assistant's pages, `ui.panel.config.` left out. Raises KeyError."""
        return self._ha.get(f"ui.panel.config.{key}") or self._ha[f"ui.{key}"]

    @property
    def sensors(self) -> list[str]:
        """The names of all sensors of this integration."""
        return [texts["name"] for texts in self._cemm["entity"]["sensor"].values()]

    @cached_property
    def _cemm(self) -> dict[str, Any]:
        return self._of(INTEGRATION)

    @cached_property
    def _core(self) -> dict[str, Any]:
        return self._of(Path(core.__path__[0]))

    def _of(self, integration: Path) -> dict[str, Any]:
        return _read(integration / "translations" / f"{self.language}.json")

    @cached_property
    def _ha(self) -> dict[str, str]:
        folder = Path(hass_frontend.where()) / "static" / "translations"
        files = folder.rglob(f"{self.language}-[0-9a-f]*.json")
        merged: dict[str, str] = {}
        for file in files:
            merged |= _read(file)
        return merged


def _read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _find(texts: dict[str, Any], key: str) -> str:
    found: Any = texts
    for part in key.split("."):
        found = found[part]
    return str(found)
