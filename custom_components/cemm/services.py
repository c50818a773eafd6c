"""The actions: history, meter readings, and the import of a chosen range of days."""

from collections.abc import Awaitable, Sequence
from datetime import date, datetime
from itertools import pairwise
from time import time

from homeassistant.const import ATTR_DATE, ATTR_DEVICE_ID, UnitOfVolumeFlowRate
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.service import async_register_admin_service
import voluptuous as vol

from .channels import CHANNELS
from .client import (
    NOTHING_THERE,
    AuthenticationError,
    CemmError,
    ForbiddenError,
    Period,
    Sample,
)
from .const import DOMAIN
from .days import HOUR, TIME_ZONE, date_at, midnight
from .devices import alias_of
from .issues import as_text
from .runtime import CemmConfigEntry, running

ATTR_PERIOD = "period"
ATTR_START_DATE = "start_date"
ATTR_END_DATE = "end_date"

_READINGS = vol.Schema(
    {vol.Required(ATTR_DEVICE_ID): cv.string, vol.Required(ATTR_DATE): cv.date}
)
_HISTORY = _READINGS.extend({vol.Required(ATTR_PERIOD): vol.Coerce(Period)})
_IMPORT = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): cv.string,
        vol.Required(ATTR_START_DATE): cv.date,
        vol.Optional(ATTR_END_DATE): cv.date,
    }
)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions; they are there without a config entry too."""
    for name, handler, schema in (
        ("get_history", _async_get_history, _HISTORY),
        ("get_meter_readings", _async_get_readings, _READINGS),
    ):
        hass.services.async_register(
            DOMAIN, name, handler, schema, supports_response=SupportsResponse.ONLY
        )
    # Writing to the database is not for everybody who may switch a light.
    async_register_admin_service(
        hass,
        DOMAIN,
        "import_history",
        _async_import,
        _IMPORT,
        supports_response=SupportsResponse.OPTIONAL,
    )


async def _async_get_history(call: ServiceCall) -> ServiceResponse:
    """Return the samples of a meter's day, month or year, oldest first."""
    entry, alias = _meter(call)
    period: Period = call.data[ATTR_PERIOD]
    day = _not_ahead(call.data[ATTR_DATE])
    if period is not Period.DAY:
        day = day.replace(day=1)
    if period is Period.YEAR:
        day = day.replace(month=1)
    client = entry.runtime_data.coordinator.client
    history = await _answer(entry, client.history(alias, period, midnight(day)))
    now = time()
    return {
        "channels": {
            name: {
                "unit": _unit(name, samples),
                "samples": [
                    {
                        "start": _iso(sample.start),
                        # The CEMM says 0 of days and months to come.
                        "value": sample.value if sample.start <= now else None,
                    }
                    for sample in samples
                ],
            }
            for name, samples in history.channels.items()
        }
    }


async def _async_get_readings(call: ServiceCall) -> ServiceResponse:
    """Return the last readings of a meter on a day."""
    entry, alias = _meter(call)
    day = _not_ahead(call.data[ATTR_DATE])
    client = entry.runtime_data.coordinator.client
    if client.totals_interval is None:
        raise _misuse("remote_only", entry.title)
    reading = await _answer(entry, client.totals(alias, midnight(day)))
    return {
        "readings": {
            name: {
                "time": _iso(measurement.time / 1000),
                "value": measurement.value,
                "unit": _unit(name),
            }
            for name, measurement in reading.channels.items()
        }
    }


async def _async_import(call: ServiceCall) -> ServiceResponse:
    """Import what is missing of some days of all meters of a CEMM."""
    entry, alias = _device(call)
    if alias is not None:
        raise _misuse("not_a_cemm")
    start = _not_ahead(call.data[ATTR_START_DATE])
    end: date | None = call.data.get(ATTR_END_DATE)
    if end and end < start:
        raise _misuse("end_before_start")
    hours = await _answer(entry, entry.runtime_data.history.async_import(start, end))
    return {"meters": {alias: {"hours": n} for alias, n in hours.items()}}


def _meter(call: ServiceCall) -> tuple[CemmConfigEntry, str]:
    """Return the config entry and the alias of the meter that is meant."""
    entry, alias = _device(call)
    if alias is None:
        raise _misuse("not_a_meter")
    return entry, alias


def _device(call: ServiceCall) -> tuple[CemmConfigEntry, str | None]:
    """Return the config entry of a device, and the alias if it is a meter's."""
    device = dr.async_get(call.hass).async_get(call.data[ATTR_DEVICE_ID])
    if not isinstance(device, dr.DeviceEntry):
        raise _misuse("unknown_device")
    entry: CemmConfigEntry | None = call.hass.config_entries.async_get_entry(
        device.config_entry_id
    )
    if entry is None or entry.domain != DOMAIN:
        raise _misuse("unknown_device")
    if (runtime := running(entry)) is None:
        raise _misuse("not_loaded", entry.title)
    return entry, alias_of(device, runtime.coordinator.mac)


def _not_ahead(day: date) -> date:
    if day > date_at(time()):
        raise _misuse("date_ahead")
    return day


async def _answer[T](entry: CemmConfigEntry, answer: Awaitable[T]) -> T:
    """Return an answer of the CEMM, or say why there is none."""
    try:
        return await answer
    except NOTHING_THERE as err:
        raise _misuse("no_history") from err
    except CemmError as err:
        refused = isinstance(err, (AuthenticationError, ForbiddenError))
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="invalid_auth" if refused else "cannot_connect",
        ) from err


def _misuse(key: str, name: str = "") -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders={"name": as_text(name)} if name else None,
    )


def _unit(channel: str, samples: Sequence[Sample] = ()) -> str | None:
    """Return the unit of a channel; that of samples of gas follows from their spacing."""
    spacing = min((b.start - a.start for a, b in pairwise(samples)), default=HOUR)
    if channel == "gas" and spacing < HOUR:
        return UnitOfVolumeFlowRate.LITERS_PER_MINUTE
    row = CHANNELS.get(channel.removesuffix("_low"))
    return row.native_unit_of_measurement if row else None


def _iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, TIME_ZONE).isoformat()
