"""Adding a CEMM: found, typed in, or with an API key; and changing that later."""

import asyncio
from collections.abc import Mapping
import logging
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlowResult,
)
from homeassistant.const import CONF_HOST, CONF_MAC
from homeassistant.core import callback
from homeassistant.helpers.selector import TextSelector
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.network import is_ip_address
import voluptuous as vol

from .client import CemmInfo, base_url, clean_host, normalize_mac
from .const import CONF_CONNECTION, CONF_UID, CONNECTION_LOCAL, DOMAIN
from .discovery import async_find_cemms, async_info
from .flows.base import Input, async_ask, async_serves, choice
from .flows.options import CemmOptionsFlow
from .flows.remote import RemoteFlow, remote_title
from .issues import as_text
from .runtime import CemmConfigEntry, running

_LOGGER = logging.getLogger(__name__)

# What was said of CEMMs that answer at two addresses: entry, where it is read, where else.
_SAID: HassKey[set[tuple[str, str, str]]] = HassKey(f"{DOMAIN}_two_addresses")

LOCAL_SCHEMA = vol.Schema({vol.Required(CONF_HOST): TextSelector()})


class CemmConfigFlow(RemoteFlow, domain=DOMAIN):
    """Every way to a CEMM; that with an API key is inherited."""

    _search: asyncio.Task[dict[str, CemmInfo]] | None = None
    _found: dict[str, tuple[str, CemmInfo]]
    """Where each CEMM was found, and what it said; by MAC."""

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> CemmOptionsFlow:
        """Return the flow for the entry's options."""
        return CemmOptionsFlow()

    @override
    async def async_step_user(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask how to reach the CEMM."""
        return self.async_show_menu(
            step_id="user", menu_options=["discover", "local", "remote"]
        )

    async def async_step_reconfigure(
        self, user_input: Input = None
    ) -> ConfigFlowResult:
        """Ask how to reach the same CEMM from now on."""
        return self.async_show_menu(
            step_id="reconfigure", menu_options=["local", "remote"]
        )

    # Searched for

    async def async_step_discover(self, user_input: Input = None) -> ConfigFlowResult:
        """Broadcast, and show that it takes some seconds."""
        if self._search is None:
            self._search = self.hass.async_create_task(
                async_find_cemms(self.hass), "CEMM search"
            )
        if not self._search.done():
            return self.async_show_progress(
                step_id="discover",
                progress_action="discover",
                progress_task=self._search,
            )
        configured = self._async_current_ids(include_ignore=False)
        self._found = {
            info.mac: (host, info)
            for host, info in reversed(self._search.result().items())
            if info.mac not in configured
        }
        self._search = None
        return self.async_show_progress_done(
            next_step_id="pick" if self._found else "nothing_found"
        )

    async def async_step_nothing_found(
        self, user_input: Input = None
    ) -> ConfigFlowResult:
        """Say that nothing new answered, and what else can be done."""
        return self.async_show_menu(
            step_id="nothing_found", menu_options=["discover", "local", "remote"]
        )

    async def async_step_pick(self, user_input: Input = None) -> ConfigFlowResult:
        """Choose one of the CEMMs found."""
        if user_input is not None:
            return await self._async_finish_local(*self._found[user_input["device"]])
        labels = {
            mac: f"{_title(info)} ({host})" for mac, (host, info) in self._found.items()
        }
        return self.async_show_form(
            step_id="pick", data_schema=choice("device", labels)
        )

    # Typed in

    async def async_step_local(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask for the address of a CEMM in the same network."""
        errors: dict[str, str] = {}
        suggested: Mapping[str, Any] | None = user_input
        if user_input is not None:
            host = clean_host(user_input[CONF_HOST])
            if info := await async_ask(async_info(self.hass, host), errors):
                return await self._async_finish_local(host, info)
        elif self.source == SOURCE_RECONFIGURE:
            suggested = self._get_reconfigure_entry().data
        return self.async_show_form(
            step_id="local",
            data_schema=self.add_suggested_values_to_schema(LOCAL_SCHEMA, suggested),
            errors=errors,
        )

    async def _async_finish_local(self, host: str, info: CemmInfo) -> ConfigFlowResult:
        return await self._async_finish(info.mac, _title(info), _local_data(host))

    # Showing up by itself

    @override
    async def async_step_integration_discovery(
        self, discovery_info: dict[str, Any]
    ) -> ConfigFlowResult:
        """Handle a CEMM that answered our broadcast, or one linked to a known key."""
        if CONF_HOST in discovery_info:
            return await self._async_discovered(
                discovery_info[CONF_HOST], discovery_info[CONF_MAC]
            )
        mac = normalize_mac(discovery_info[CONF_UID])
        await self.async_set_unique_id(mac)
        self._abort_if_unique_id_configured()
        self._title = remote_title(mac, several=True)
        self._data = discovery_info
        return await self.async_step_discovery_confirm()

    @override
    async def async_step_dhcp(
        self, discovery_info: DhcpServiceInfo
    ) -> ConfigFlowResult:
        """Follow the address of a CEMM that is set up."""
        return await self._async_discovered(
            discovery_info.ip, discovery_info.macaddress
        )

    async def _async_discovered(self, host: str, mac: str) -> ConfigFlowResult:
        """Handle what claims to be a CEMM; if it matters, after asking it.

        It is followed only when it does not answer any more where it was: others may
        answer with its MAC, too.
        """
        mac = normalize_mac(mac)
        entry = await self.async_set_unique_id(mac)
        known: str = entry.data.get(CONF_HOST, "") if entry else ""
        if entry and (known in ("", host) or _is_read_well(entry, known, host)):
            # Ignored, remote, or where it was: no reason to ask.
            self._abort_if_unique_id_configured()
        stays = bool(known) and await async_serves(self.hass, known, mac)
        info = await async_ask(async_info(self.hass, host), {})
        if info is None or info.mac != mac:
            return self.async_abort(reason="not_cemm_device")
        if entry:
            if stays:
                self._note_second_address(entry, known, host)
            # Where it does not stay, the user may have been faster.
            if stays or entry.data.get(CONF_HOST) != known:
                self._abort_if_unique_id_configured()
            _LOGGER.warning("%s has moved from %s to %s", entry.title, known, host)
        self._abort_if_unique_id_configured(updates={CONF_HOST: host})
        self._title = _title(info)
        self._data = _local_data(host)
        return await self.async_step_discovery_confirm()

    def _note_second_address(self, entry: ConfigEntry, known: str, other: str) -> None:
        """Say once that a CEMM that answers where it was does so elsewhere too."""
        pair = (entry.entry_id, known, other)
        said = self.hass.data.setdefault(_SAID, set())
        if _are_two(known, other) and pair not in said:
            said.add(pair)
            _LOGGER.warning(
                "%s: the same CEMM answers at %s and at %s; it is read where it was, "
                "at %s",
                *(entry.title, known, other, known),
            )

    async def async_step_discovery_confirm(
        self, user_input: Input = None
    ) -> ConfigFlowResult:
        """Ask before adding what was found."""
        if user_input is not None:
            return await self.async_step_history()
        placeholders = {
            "name": as_text(self._title),
            "address": as_text(self._data.get(CONF_HOST) or self._data[CONF_UID]),
        }
        # Core gives other flows, such as reauth, a name alone.
        self.context["title_placeholders"] = {
            "name": f"{placeholders['name']} ({placeholders['address']})"
        }
        return self.async_show_form(
            step_id="discovery_confirm", description_placeholders=placeholders
        )


def _title(info: CemmInfo) -> str:
    return info.name or "CEMM"


def _local_data(host: str) -> dict[str, str]:
    return {CONF_CONNECTION: CONNECTION_LOCAL, CONF_HOST: host}


def _is_read_well(entry: CemmConfigEntry, known: str, host: str) -> bool:
    """Whether a CEMM is read where the user said, which may be where it shows up."""
    runtime = running(entry)
    is_read = runtime is not None and runtime.coordinator.last_update_success
    return is_read and not _are_two(known, host)


def _are_two(known: str, host: str) -> bool:
    """Whether these are two addresses for sure: no name, and no other port of one."""
    name = base_url(known).host
    return name != base_url(host).host and is_ip_address(name or "")
