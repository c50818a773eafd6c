"""The CEMM, its meters and their sensors in the registries, and what names them there."""

import re

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.typing import UNDEFINED

from .client import CemmInfo, Meter, base_url
from .const import ACCOUNT_URL, DOMAIN, MANUFACTURER
from .kinds import MeterKind

# Most houses have only one of these.
_NAMED_BY_ALIAS = {
    MeterKind.SMART: MeterKind.ELECTRICITY,
    MeterKind.GAS: MeterKind.GAS_PULSE,
}

# How a meter is connected, which its alias tells.
_MODELS = {
    r"(p1|han|emucs|dlms)": "Smart meter ({})",
    r"(p1|han|emucs|dlms)-usb": "Smart meter ({}, USB)",
    r"(p1|han|emucs|dlms)-gas": "Gas meter ({})",
    r"mb(\d+)": "Modbus {}",
    r"pulse-(\d+)": "Pulse {}",
    r"s0(\d)": "Pulse S0 {}",
}


def unique_id(mac: str, *names: str) -> str:
    """Return what names a meter of a CEMM (alias), or one of its sensors (alias, key)."""
    return "_".join((mac, *names))


@callback
def async_sensor(hass: HomeAssistant, mac: str, *names: str) -> er.RegistryEntry | None:
    """Return a meter's sensor, if it is registered."""
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(
        Platform.SENSOR, DOMAIN, unique_id(mac, *names)
    )
    return registry.async_get(entity_id) if entity_id else None


@callback
def async_update_cemm(hass: HomeAssistant, entry: ConfigEntry, info: CemmInfo) -> str:
    """Create or update the CEMM's own device and return its id.

    What the remote API does not tell stays as the local API told it.
    """
    host = entry.data.get("host")
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, info.mac)},
        connections={(dr.CONNECTION_NETWORK_MAC, info.mac)},
        manufacturer=MANUFACTURER,
        name=entry.title,
        model=info.name or UNDEFINED,
        model_id=info.type or UNDEFINED,
        sw_version=info.version or UNDEFINED,
        hw_version=info.core or UNDEFINED,
        configuration_url=base_url(host) if host else ACCOUNT_URL,
    )
    return device.id


def meter_device_info(
    mac: str, cemm_device_id: str, meter: Meter, kind: MeterKind, *, is_first: bool
) -> DeviceInfo:
    """Return a meter's device, behind its CEMM.

    Where there are several of a kind, all except the first are named by their alias.
    """
    name = kind if is_first else _NAMED_BY_ALIAS.get(kind, kind)
    return DeviceInfo(
        identifiers={(DOMAIN, unique_id(mac, meter.alias))},
        manufacturer=MANUFACTURER,
        model=_model(meter.alias),
        translation_key=name,
        translation_placeholders={"alias": meter.alias},
        via_device_id=cemm_device_id,
    )


def _model(alias: str) -> str | None:
    for pattern, model in _MODELS.items():
        if found := re.fullmatch(pattern, alias):
            return model.format(found[1].upper())
    return None


@callback
def async_meter_name(hass: HomeAssistant, entry: ConfigEntry, alias: str) -> str:
    """Return what a meter's device is called; its alias as long as it has none."""
    device = _meter_device(hass, entry, alias)
    return (device and (device.name_by_user or device.name)) or alias


def alias_of(device: dr.DeviceEntry, mac: str) -> str | None:
    """Return the alias of a meter's device; None for another device."""
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(prefix := unique_id(mac, "")):
            return identifier.removeprefix(prefix)
    return None


@callback
def async_registered_meters(
    hass: HomeAssistant, entry: ConfigEntry
) -> dict[str, str | None]:
    """Return the model of each meter that has a device, by alias."""
    return {
        alias: device.model
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), entry.entry_id
        )
        if (alias := alias_of(device, entry.unique_id or ""))
    }


@callback
def async_remove_meter(hass: HomeAssistant, entry: ConfigEntry, alias: str) -> None:
    """Remove the device of a meter that is gone, and its entities with it."""
    if device := _meter_device(hass, entry, alias):
        dr.async_get(hass).async_update_device(
            device.id, remove_config_entry_id=entry.entry_id
        )


def _meter_device(
    hass: HomeAssistant, entry: ConfigEntry, alias: str
) -> dr.DeviceEntry | None:
    identifier = (DOMAIN, unique_id(entry.unique_id or "", alias))
    registry = dr.async_get(hass)
    return registry.async_get_device_by_identifier(identifier, entry.entry_id)
