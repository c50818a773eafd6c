"""What else could read a CEMM: the rest platform, and the least that any reader must do."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.entity_platform import async_get_platforms

from custom_components.cemm.coordinator import CemmConfigEntry

from .home import set_up

_SUMS = {
    "energy_import": (("t1", "t2"), ("electric_energy", "electric_energy_high")),
    "energy_export": (("t3", "t4"),),
}
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Twin:
    """The same sensor as one of this integration, for a rival to have."""

    alias: str
    key: str
    attributes: Mapping[str, Any]
    sources: tuple[tuple[str, str], ...]
    """Where its value is in the meter's answer: sections and channels to be added up."""

    @property
    def name(self) -> str:
        """Return what tells it from the others."""
        return f"{self.alias}_{self.key}".replace("-", "_")

    @property
    def template(self) -> str:
        """Return how the rest platform finds its value."""
        pairs = [f"value_json.{section}.{key}" for section, key in self.sources]
        match self.key:
            case "last_measurement":
                return f"{{{{ ({pairs[0]}[0] / 1000) | as_datetime }}}}"
            case "rate":
                return f"{{{{ 'low' if {pairs[0]}[1] == 1 else 'high' }}}}"
        total = " + ".join(f"{pair}[1]" for pair in pairs)
        return (
            f"{{{{ ({total}) | round(3) }}}}"
            if len(pairs) > 1
            else f"{{{{ {total} }}}}"
        )


def url(host: str, alias: str) -> str:
    """Return where a meter's newest values are."""
    return f"http://{host}/open-api/v1/{alias}/realtime/"


async def get(session: ClientSession, host: str, alias: str) -> dict[str, Any]:
    """Return a meter's newest values, in the least costly way."""
    async with session.get(url(host, alias)) as response:
        answer: dict[str, Any] = json.loads(await response.read())
        return answer


async def twins(hass: HomeAssistant, entry: CemmConfigEntry) -> list[Twin]:
    """Return the twins of all sensors that a CEMM has, by meter."""
    session = async_get_clientsession(hass)
    host, mac = entry.data["host"], entry.unique_id
    found = []
    for alias in entry.runtime_data.coordinator.meters:
        answer = await get(session, host, alias)
        prefix = f"{mac}_{alias}_"
        for sensor in er.async_entries_for_config_entry(
            er.async_get(hass), entry.entry_id
        ):
            if sensor.unique_id.startswith(prefix) and (
                state := hass.states.get(sensor.entity_id)
            ):
                key = sensor.unique_id.removeprefix(prefix)
                sources = _sources(answer, key)
                found.append(Twin(alias, key, state.attributes, sources))
    return found


def _sources(answer: Mapping[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    channels = {
        channel: section
        for section in ("data", "totals")
        for channel in answer.get(section, ())
    }
    if key == "last_measurement":
        channel = next(iter(channels))
        return ((channels[channel], channel),)
    for group in (*_SUMS.get(key, ()), (key,)):
        if found := tuple((channels[c], c) for c in group if c in channels):
            return found
    raise KeyError(key)


async def load_rest(hass: HomeAssistant, config: Mapping[str, Any]) -> None:
    """Have Home Assistant's rest integration do what `config` says, and nothing else.

    `config` is as in configuration.yaml, see `rest_by_sensor` and `rest_by_meter`.
    """
    await set_up(hass, "rest")
    # The action forgets only one of its platforms.
    for platform in async_get_platforms(hass, "rest"):
        await platform.async_reset()
    # JSON is YAML.
    content = json.dumps(config)
    path = Path(hass.config.path("configuration.yaml"))
    await hass.async_add_executor_job(path.write_text, content)
    await hass.services.async_call("rest", "reload", blocking=True)
    await hass.async_block_till_done()


def rest_by_sensor(
    host: str, sensors: Iterable[Twin], scan_interval: int = _DAY
) -> dict[str, Any]:
    """Return the usual configuration: sensors of the platform rest, each with its request."""
    return {
        "sensor": [
            {
                "platform": "rest",
                "resource": url(host, twin.alias),
                "scan_interval": scan_interval,
                **_rest_sensor(twin, "rest_sensor"),
            }
            for twin in sensors
        ]
    }


def rest_by_meter(
    host: str, sensors: Collection[Twin], scan_interval: int = _DAY
) -> dict[str, Any]:
    """Return the best configuration: all sensors of a meter share a request."""
    return {
        "rest": [
            {
                "resource": url(host, alias),
                "scan_interval": scan_interval,
                "sensor": [
                    _rest_sensor(twin, "rest_meter")
                    for twin in sensors
                    if twin.alias == alias
                ],
            }
            for alias in dict.fromkeys(twin.alias for twin in sensors)
        ]
    }


async def round_by_sensor(hass: HomeAssistant) -> None:
    """Ask for everything once, as the timer of the platform rest does."""
    for platform in async_get_platforms(hass, "rest"):
        for entity in platform.entities.values():
            if entity.should_poll:
                await entity.async_update_ha_state(force_refresh=True)


async def round_by_meter(hass: HomeAssistant) -> None:
    """Ask for everything once, as the timers of the resources do."""
    for coordinator in hass.data["rest"]["coordinator"]:
        await coordinator.async_refresh()


def _rest_sensor(twin: Twin, prefix: str) -> dict[str, Any]:
    names = ("device_class", "state_class", "unit_of_measurement")
    same = {name: twin.attributes[name] for name in names if name in twin.attributes}
    return same | {
        "name": f"{prefix} {twin.name}",
        "unique_id": f"{prefix}_{twin.name}",
        "value_template": twin.template,
    }


class Floor:
    """The least: a GET and `json.loads` for each meter, one bare state for each new value."""

    def __init__(self, hass: HomeAssistant, host: str, sensors: list[Twin]) -> None:
        self._states = hass.states
        self._session = async_get_clientsession(hass)
        self._host = host
        self._values: dict[str, float] = {}
        self._written: dict[str, Twin] = {}
        self.meters: dict[str, list[Twin]] = {}
        """The sensors of each alias."""
        for twin in sensors:
            self.meters.setdefault(twin.alias, []).append(twin)

    async def round(self) -> None:
        """Ask for everything once."""
        for alias in self.meters:
            await self.read(alias)

    async def read(self, alias: str) -> None:
        """Ask for one meter once."""
        answer = await get(self._session, self._host, alias)
        for twin in self.meters[alias]:
            section, channel = twin.sources[0]
            value = answer[section][channel][twin.key != "last_measurement"]
            if self._values.get(twin.name) != value:
                self._values[twin.name] = value
                self._written[twin.name] = twin
                self._write(twin, value)

    def forget_writing(self) -> None:
        """Begin anew to note which values change."""
        self._written.clear()

    def write(self, value: float) -> None:
        """Write this as what has changed since then, without asking for anything."""
        for twin in self._written.values():
            self._write(twin, value)

    def _write(self, twin: Twin, value: float) -> None:
        self._states.async_set(f"sensor.floor_{twin.name}", str(value), twin.attributes)
