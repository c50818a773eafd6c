"""Adding a CEMM: found, typed in, or with an API key; and changing that later."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import logging
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
)
from homeassistant.const import CONF_API_KEY, CONF_HOST, CONF_MAC, CONF_URL
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers import discovery_flow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.helpers.service_info.dhcp import DhcpServiceInfo
import voluptuous as vol

from .client import (
    DEFAULT_URL,
    AuthenticationError,
    Cemm3Error,
    CemmError,
    CemmInfo,
    CemmResponseError,
    InsecureUrlError,
    LocalCemm,
    NotConnectedError,
    RemoteApi,
    check_url,
    clean_host,
    normalize_mac,
)
from .const import (
    CONF_CONNECTION,
    CONF_IMPORT_HISTORY,
    CONF_UID,
    CONNECTION_LOCAL,
    CONNECTION_REMOTE,
    DOMAIN,
)
from .discovery import FoundCemm, async_find_cemms
from .options_flow import CemmOptionsFlow

_LOGGER = logging.getLogger(__name__)

_SECTION_ADVANCED = "advanced"

LOCAL_SCHEMA = vol.Schema({vol.Required(CONF_HOST): TextSelector()})
_KEY = {
    vol.Required(CONF_API_KEY): TextSelector(
        TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
    )
}
REAUTH_SCHEMA = vol.Schema(_KEY)
REMOTE_SCHEMA = REAUTH_SCHEMA.extend(
    {
        vol.Required(_SECTION_ADVANCED, default=dict): section(
            vol.Schema(
                {
                    vol.Required(CONF_URL, default=DEFAULT_URL): TextSelector(
                        TextSelectorConfig(type=TextSelectorType.URL)
                    )
                }
            ),
            {"collapsed": True},
        )
    }
)
HISTORY_SCHEMA = vol.Schema(
    {vol.Required(CONF_IMPORT_HISTORY, default=True): BooleanSelector()}
)

# The first that fits is what the user reads.
_ERRORS: tuple[tuple[type[CemmError], str], ...] = (
    (InsecureUrlError, "insecure_url"),
    (Cemm3Error, "cemm_3"),
    (AuthenticationError, "invalid_auth"),
    (CemmResponseError, "not_cemm"),
    (NotConnectedError, "not_cemm"),
    (CemmError, "cannot_connect"),
)


def _host_data(host: str) -> dict[str, str]:
    return {CONF_CONNECTION: CONNECTION_LOCAL, CONF_HOST: host}


def _key_data(api_key: str, url: str, uid: str) -> dict[str, str]:
    return {
        CONF_CONNECTION: CONNECTION_REMOTE,
        CONF_API_KEY: api_key,
        CONF_URL: url,
        CONF_UID: uid,
    }


class CemmConfigFlow(ConfigFlow, domain=DOMAIN):
    """Every way to a CEMM ends in the same entry: its unique id is the MAC."""

    VERSION = 1

    def __init__(self) -> None:
        """Start knowing nothing."""
        self._search: asyncio.Task[Mapping[str, FoundCemm]] | None = None
        self._found: dict[str, FoundCemm] = {}
        self._uids: dict[str, str] = {}
        self._title = ""
        self._data: dict[str, str] = {}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> CemmOptionsFlow:
        """Return the flow for the entry's options."""
        return CemmOptionsFlow()

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how to reach the CEMM."""
        return self.async_show_menu(
            step_id="user", menu_options=["discover", "local", "remote"]
        )

    # Found by its broadcast

    async def async_step_discover(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
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
            mac: cemm
            for mac, cemm in self._search.result().items()
            if mac not in configured
        }
        self._search = None
        return self.async_show_progress_done(
            next_step_id="pick" if self._found else "nothing_found"
        )

    async def async_step_nothing_found(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Say that nothing new answered, and what else can be done."""
        return self.async_show_menu(
            step_id="nothing_found", menu_options=["discover", "local", "remote"]
        )

    async def async_step_pick(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose one of the CEMMs found."""
        if user_input is not None:
            cemm = self._found[user_input["device"]]
            return await self._async_continue(cemm.info, _host_data(cemm.host))
        options = [
            SelectOptionDict(
                value=mac, label=f"{cemm.info.name or 'CEMM'} ({cemm.host})"
            )
            for mac, cemm in self._found.items()
        ]
        return self.async_show_form(
            step_id="pick", data_schema=_choice("device", options)
        )

    @override
    async def async_step_integration_discovery(
        self, discovery_info: dict[str, Any]
    ) -> ConfigFlowResult:
        """Handle a CEMM that answered our broadcast, or one linked to a known key."""
        if CONF_HOST in discovery_info:
            return await self._async_discovered(
                discovery_info[CONF_HOST], discovery_info[CONF_MAC]
            )
        self._data = _key_data(
            discovery_info[CONF_API_KEY],
            discovery_info[CONF_URL],
            discovery_info[CONF_UID],
        )
        mac = normalize_mac(discovery_info[CONF_UID])
        await self.async_set_unique_id(mac)
        self._abort_if_unique_id_configured()
        self._title = _remote_title(mac, several=True)
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
        """Handle what claims to be a CEMM, after asking it."""
        mac = normalize_mac(mac)
        entry = await self.async_set_unique_id(mac)
        follow = entry and entry.data[CONF_CONNECTION] == CONNECTION_LOCAL
        if entry and (not follow or entry.data[CONF_HOST] == host):
            return self.async_abort(reason="already_configured")
        info, error = await self._async_ask(lambda: self._local(host).info())
        if error or info is None or info.mac != mac:
            return self.async_abort(reason="not_cemm_device")
        self._abort_if_unique_id_configured(updates={CONF_HOST: host})
        self._title = info.name or "CEMM"
        self._data = _host_data(host)
        return await self.async_step_discovery_confirm()

    async def async_step_discovery_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask before adding what was found."""
        if user_input is not None:
            return await self.async_step_history()
        self._set_confirm_only()
        placeholders = {
            "name": self._title,
            "address": self._data.get(CONF_HOST) or self._data[CONF_UID],
        }
        self.context["title_placeholders"] = placeholders
        return self.async_show_form(
            step_id="discovery_confirm", description_placeholders=placeholders
        )

    # Typed in

    async def async_step_local(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the address of a CEMM in the same network."""
        errors = {}
        if user_input is not None:
            host = clean_host(user_input[CONF_HOST])
            info, error = await self._async_ask(lambda: self._local(host).info())
            if info:
                return await self._async_continue(info, _host_data(host))
            errors["base"] = error
        return self.async_show_form(
            step_id="local",
            data_schema=self.add_suggested_values_to_schema(
                LOCAL_SCHEMA, user_input or self._current_data()
            ),
            errors=errors,
        )

    # With an API key

    async def async_step_remote(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the API key."""
        errors = {}
        if user_input is not None:
            api_key = user_input[CONF_API_KEY].strip()
            url = user_input[_SECTION_ADVANCED][CONF_URL]
            uids, error = await self._async_ask(
                lambda: self._remote(url, api_key).uids()
            )
            if uids is not None:
                self._data = _key_data(api_key, str(check_url(url)), "")
                return await self._async_choose(
                    {normalize_mac(uid): uid for uid in uids}
                )
            errors["base"] = error
        return self.async_show_form(
            step_id="remote",
            data_schema=self.add_suggested_values_to_schema(
                REMOTE_SCHEMA,
                # The key itself is typed anew: no form shows it.
                user_input and {_SECTION_ADVANCED: user_input[_SECTION_ADVANCED]},
            ),
            errors=errors,
        )

    async def _async_choose(self, uids: dict[str, str]) -> ConfigFlowResult:
        """Go on with the linked CEMM that is wanted; ask if there are several."""
        if not uids:
            return self.async_abort(reason="no_cemm_linked")
        if self.source == SOURCE_RECONFIGURE:
            mac = self._get_reconfigure_entry().unique_id or ""
            if mac not in uids:
                return self.async_abort(reason="wrong_device")
            return await self._async_continue_remote(mac, uids[mac])
        if len(uids) == 1:
            return await self._async_continue_remote(*uids.popitem())
        configured = self._async_current_ids(include_ignore=False)
        self._uids = {mac: uid for mac, uid in uids.items() if mac not in configured}
        if not self._uids:
            return self.async_abort(reason="already_configured")
        return await self.async_step_remote_cemm()

    async def async_step_remote_cemm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Choose one of the linked CEMMs; the others show up as discovered."""
        if user_input is None:
            options = [
                SelectOptionDict(value=uid, label=mac.upper())
                for mac, uid in self._uids.items()
            ]
            return self.async_show_form(
                step_id="remote_cemm", data_schema=_choice(CONF_UID, options)
            )
        uid = user_input[CONF_UID]
        for other in self._uids.values():
            if other != uid:
                discovery_flow.async_create_flow(
                    self.hass,
                    DOMAIN,
                    context={"source": SOURCE_INTEGRATION_DISCOVERY},
                    data={**self._data, CONF_UID: other},
                )
        return await self._async_continue_remote(normalize_mac(uid), uid)

    async def _async_continue_remote(self, mac: str, uid: str) -> ConfigFlowResult:
        title = _remote_title(mac, several=len(self._uids) > 1)
        return await self._async_continue(
            CemmInfo(mac, title), {**self._data, CONF_UID: uid}
        )

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Handle a key that is refused."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for another key to the same CEMM."""
        errors = {}
        entry = self._get_reauth_entry()
        if user_input is not None:
            api_key = user_input[CONF_API_KEY].strip()
            url = entry.data[CONF_URL]
            uids, error = await self._async_ask(
                lambda: self._remote(url, api_key).uids()
            )
            if uids is not None and entry.unique_id in {*map(normalize_mac, uids)}:
                return self.async_update_reload_and_abort(
                    entry, data_updates={CONF_API_KEY: api_key}
                )
            if uids is not None:
                return self.async_abort(reason="wrong_device")
            errors["base"] = error
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=REAUTH_SCHEMA,
            description_placeholders={"name": entry.title},
            errors=errors,
        )

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask how to reach the same CEMM from now on."""
        return self.async_show_menu(
            step_id="reconfigure", menu_options=["local", "remote"]
        )

    # The end of every way

    async def _async_continue(
        self, info: CemmInfo, data: dict[str, str]
    ) -> ConfigFlowResult:
        """Change the entry that is reconfigured, or go on to make one."""
        await self.async_set_unique_id(info.mac, raise_on_progress=False)
        if self.source == SOURCE_RECONFIGURE:
            self._abort_if_unique_id_mismatch(reason="wrong_device")
            return self.async_update_reload_and_abort(
                self._get_reconfigure_entry(), data=data
            )
        self._abort_if_unique_id_configured()
        self._title = info.name or "CEMM"
        self._data = data
        return await self.async_step_history()

    async def async_step_history(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Offer to import the past years."""
        if user_input is None:
            return self.async_show_form(step_id="history", data_schema=HISTORY_SCHEMA)
        return self.async_create_entry(
            title=self._title, data=self._data, options=user_input
        )

    # Asking

    def _local(self, host: str) -> LocalCemm:
        return LocalCemm(host, async_get_clientsession(self.hass))

    def _remote(self, url: str, api_key: str) -> RemoteApi:
        return RemoteApi(url, api_key, async_get_clientsession(self.hass))

    async def _async_ask[T](
        self, question: Callable[[], Awaitable[T]]
    ) -> tuple[T | None, str]:
        """Return the answer and no error, or no answer and why not."""
        try:
            return await question(), ""
        except CemmError as err:
            return None, next(key for kind, key in _ERRORS if isinstance(err, kind))
        except Exception:
            _LOGGER.exception("Unexpected error while asking a CEMM")
            return None, "unknown"

    def _current_data(self) -> Mapping[str, Any]:
        if self.source == SOURCE_RECONFIGURE:
            return self._get_reconfigure_entry().data
        return {}


def _choice(field: str, options: list[SelectOptionDict]) -> vol.Schema:
    return vol.Schema(
        {vol.Required(field): SelectSelector(SelectSelectorConfig(options=options))}
    )


def _remote_title(mac: str, *, several: bool) -> str:
    """Tell several CEMMs behind one key apart; the API gives them no names."""
    return f"CEMM {mac[-8:].upper()}" if several else "CEMM"
