"""What else could read a CEMM: the rest platform, and the least that any reader must do."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.entity_platform import async_get_platforms
from homeassistant.setup import async_setup_component

from .home import Cemm

_SUMS = {
    "energy_import": (("t1", "t2"), ("electric_energy", "electric_energy_high")),
    "energy_export": (("t3", "t4"),),
}


@dataclass(frozen=True, slots=True)
class Twin:
    """The same sensor as one of this integration, for a rival to have."""

    name: str
    key: str
    attributes: Mapping[str, Any]
    sources: list[tuple[str, str]]
    """Where its value is in the meter's answer: sections and channels to be added up."""

    def rest(self, prefix: str) -> dict[str, Any]:
        """Return it as a sensor of the rest platform."""
        pairs = [f"value_json.{section}.{key}" for section, key in self.sources]
        value = " + ".join(f"{pair}[1]" for pair in pairs)
        if self.key == "last_measurement":
            value = f"({pairs[0]}[0] / 1000) | as_datetime"
        elif self.key == "rate":
            value = f"'low' if {value} == 1 else 'high'"
        elif len(pairs) > 1:
            value = f"({value}) | round(3)"
        names = {"device_class", "state_class", "unit_of_measurement"}
        return {name: self.attributes[name] for name in names & {*self.attributes}} | {
            "name": f"{prefix} {self.name}",
            "unique_id": f"{prefix}_{self.name}",
            "value_template": f"{{{{ {value} }}}}",
        }


type Twins = Mapping[str, list[Twin]]
"""Of all sensors that a CEMM has, by its meters' aliases."""


async def twins(cemm: Cemm) -> Twins:
    """Return the twins of a CEMM that has been read."""
    session = async_get_clientsession(cemm.hass)
    answers: dict[str, dict[str, Any]] = {}
    found = defaultdict(list)
    for (alias, key), entity_id in cemm.sensors().items():
        if alias not in answers:
            answers[alias] = await get(session, url(cemm.host, alias))
        if state := cemm.hass.states.get(entity_id):
            name = f"{alias}_{key}".replace("-", "_")
            sources = _sources(answers[alias], key)
            found[alias].append(Twin(name, key, state.attributes, sources))
    return found


def _sources(answer: Mapping[str, Any], key: str) -> list[tuple[str, str]]:
    sections = {
        channel: section
        for section in ("data", "totals")
        for channel in answer.get(section, ())
    }
    if key == "last_measurement":
        key = next(iter(sections))
    for channels in (*_SUMS.get(key, ()), (key,)):
        if found := [(sections[c], c) for c in channels if c in sections]:
            return found
    raise KeyError(key)


def url(host: str, alias: str) -> str:
    """Return where a meter's newest values are."""
    return f"http://{host}/open-api/v1/{alias}/realtime/"


async def get(session: ClientSession, url: str) -> dict[str, Any]:
    """Return an answer, in the least costly way."""
    async with session.get(url) as response:
        answer: dict[str, Any] = json.loads(await response.read())
        return answer


class Rest:
    """Home Assistant's rest integration, for all sensors of a CEMM."""

    def __init__(self, cemm: Cemm, twins: Twins, seconds: int = 86_400) -> None:
        self.by_sensor: dict[str, Any] = {"sensor": []}
        """The usual configuration: each sensor has a request of its own."""
        self.by_meter: dict[str, Any] = {"rest": []}
        """The best one: all sensors of a meter share a request."""
        for alias, sensors in twins.items():
            resource = {"resource": url(cemm.host, alias), "scan_interval": seconds}
            self.by_sensor["sensor"] += [
                {"platform": "rest"} | resource | twin.rest("rest_sensor")
                for twin in sensors
            ]
            shared = [twin.rest("rest_meter") for twin in sensors]
            self.by_meter["rest"].append(resource | {"sensor": shared})
        self._hass = cemm.hass

    async def load(self, configuration: Mapping[str, Any]) -> None:
        """Have it do what this says, as in configuration.yaml, and nothing else."""
        if not await async_setup_component(self._hass, "rest", {}):
            raise RuntimeError("rest cannot be set up")
        # The action forgets only one of its platforms.
        for platform in async_get_platforms(self._hass, "rest"):
            await platform.async_reset()
        content = json.dumps(configuration)  # JSON is YAML
        path = Path(self._hass.config.path("configuration.yaml"))
        await self._hass.async_add_executor_job(path.write_text, content)
        await self._hass.services.async_call("rest", "reload", blocking=True)
        await self._hass.async_block_till_done()

    async def round_by_sensor(self) -> None:
        """Ask for everything once, as the timer of the platform rest does."""
        for platform in async_get_platforms(self._hass, "rest"):
            for entity in platform.entities.values():
                if entity.should_poll:
                    await entity.async_update_ha_state(force_refresh=True)

    async def round_by_meter(self) -> None:
        """Ask for everything once, as the timers of the resources do."""
        for coordinator in self._hass.data["rest"]["coordinator"]:
            await coordinator.async_refresh()


class Floor:
    """The least: a GET and `json.loads` for each meter, one bare state for each new value."""

    def __init__(self, cemm: Cemm, twins: Twins) -> None:
        self.twins = twins
        self.written: dict[str, Twin] = {}
        """Which values have changed since this was last cleared."""
        self._states = cemm.hass.states
        self._session = async_get_clientsession(cemm.hass)
        self._host = cemm.host
        self._values: dict[str, float] = {}

    async def round(self) -> None:
        """Ask for everything once."""
        for alias in self.twins:
            await self.read(alias)

    async def read(self, alias: str) -> None:
        """Ask for one meter once."""
        answer = await get(self._session, url(self._host, alias))
        for twin in self.twins[alias]:
            section, channel = twin.sources[0]
            value = answer[section][channel][twin.key != "last_measurement"]
            if self._values.get(twin.name) != value:
                self._values[twin.name] = value
                self.written[twin.name] = twin
                self.write(twin, value)

    def write(self, twin: Twin, value: float) -> None:
        """Write a state."""
        self._states.async_set(f"sensor.floor_{twin.name}", str(value), twin.attributes)
