"""The way to a CEMM with an API key."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.config_entries import (
    SOURCE_INTEGRATION_DISCOVERY,
    SOURCE_RECONFIGURE,
    ConfigFlowResult,
)
from homeassistant.const import CONF_API_KEY, CONF_URL
from homeassistant.core import callback
from homeassistant.data_entry_flow import section
from homeassistant.helpers import discovery_flow
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from custom_components.cemm.client import (
    DEFAULT_URL,
    RemoteApi,
    check_url,
    clean_key,
    normalize_mac,
)
from custom_components.cemm.const import (
    CONF_CONNECTION,
    CONF_UID,
    CONNECTION_REMOTE,
    DOMAIN,
)
from custom_components.cemm.issues import as_text
from custom_components.cemm.runtime import CemmConfigEntry

from .base import CemmFlow, Input, async_ask, choice, entry_of_dialog

_SECTION_ADVANCED = "advanced"

REAUTH_SCHEMA = vol.Schema(
    {
        vol.Required(CONF_API_KEY): TextSelector(
            TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off")
        )
    }
)
_ADDRESS = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))


def remote_schema(url: str = DEFAULT_URL, *, collapsed: bool = True) -> vol.Schema:
    """Return the form for a key, whose base address is hidden if ``collapsed``.

    A section shows its own default, whatever is suggested for its fields.
    """
    fields = vol.Schema({vol.Optional(CONF_URL, default=DEFAULT_URL): _ADDRESS})
    advanced = section(fields, {"collapsed": collapsed})
    return REAUTH_SCHEMA.extend(
        {vol.Required(_SECTION_ADVANCED, default={CONF_URL: url}): advanced}
    )


def remote_title(mac: str, *, several: bool) -> str:
    """Tell several CEMMs behind one key apart; the API gives them no names."""
    return f"CEMM {mac[-8:].upper()}" if several else "CEMM"


class RemoteFlow(CemmFlow):
    """Asks for a key, and which of the CEMMs linked to it is meant."""

    _linked: Mapping[str, str] = {}
    """The CEMMs to choose from, if there are several: MAC → uid."""

    async def async_step_remote(self, user_input: Input = None) -> ConfigFlowResult:
        """Ask for the API key."""
        errors: dict[str, str] = {}
        url = DEFAULT_URL
        if user_input is not None:
            api_key = clean_key(user_input[CONF_API_KEY])
            url = user_input[_SECTION_ADVANCED][CONF_URL]
            linked = await async_ask(self._async_linked(url, api_key), errors)
            if linked is not None:
                self._data = {
                    CONF_CONNECTION: CONNECTION_REMOTE,
                    CONF_API_KEY: api_key,
                    CONF_URL: str(check_url(url)),
                }
                return await self._async_choose(linked)
        elif self.source == SOURCE_RECONFIGURE:
            url = self._get_reconfigure_entry().data.get(CONF_URL, url)
        return self.async_show_form(
            step_id="remote",
            # After an error all is as it was typed, and the address, which may be wrong, is
            # in sight. No form shows a key that was not just typed into it.
            data_schema=self.add_suggested_values_to_schema(
                remote_schema(url, collapsed=not errors),
                user_input or {_SECTION_ADVANCED: {CONF_URL: url}},
            ),
            errors=errors,
        )

    async def _async_choose(self, linked: dict[str, str]) -> ConfigFlowResult:
        """Go on with the linked CEMM that is wanted; ask if there are several."""
        if not linked:
            return self.async_abort(reason="no_cemm_linked")
        if self.source == SOURCE_RECONFIGURE:
            mac = self._get_reconfigure_entry().unique_id
            if mac not in linked:
                return self.async_abort(reason="wrong_device")
            return await self._async_finish_remote(linked[mac])
        if len(linked) == 1:
            return await self._async_finish_remote(*linked.values())
        configured = self._async_current_ids(include_ignore=False)
        self._linked = {
            mac: uid for mac, uid in linked.items() if mac not in configured
        }
        if not self._linked:
            return self.async_abort(reason="already_configured")
        return await self.async_step_remote_cemm()

    async def async_step_remote_cemm(
        self, user_input: Input = None
    ) -> ConfigFlowResult:
        """Choose one of the linked CEMMs; the others show up as discovered."""
        if user_input is None:
            labels = {uid: mac.upper() for mac, uid in self._linked.items()}
            return self.async_show_form(
                step_id="remote_cemm", data_schema=choice(CONF_UID, labels)
            )
        wanted = user_input[CONF_UID]
        for uid in self._linked.values():
            if uid != wanted:
                discovery_flow.async_create_flow(
                    self.hass,
                    DOMAIN,
                    context={"source": SOURCE_INTEGRATION_DISCOVERY},
                    data={**self._data, CONF_UID: uid},
                )
        return await self._async_finish_remote(wanted)

    async def _async_finish_remote(self, uid: str) -> ConfigFlowResult:
        mac = normalize_mac(uid)
        title = remote_title(mac, several=bool(self._linked))
        return await self._async_finish(mac, title, {**self._data, CONF_UID: uid})

    @callback
    @override
    def _get_reauth_entry(self) -> CemmConfigEntry:
        return entry_of_dialog(self.hass, self._reauth_entry_id, CONF_API_KEY)

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Handle a key that is refused."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: Input = None
    ) -> ConfigFlowResult:
        """Ask for another key to the same CEMM."""
        errors: dict[str, str] = {}
        entry = self._get_reauth_entry()
        if user_input is not None:
            api_key = clean_key(user_input[CONF_API_KEY])
            linked = await async_ask(
                self._async_linked(entry.data[CONF_URL], api_key), errors
            )
            entry = self._get_reauth_entry()
            if linked is not None:
                if entry.unique_id not in linked:
                    return self.async_abort(reason="wrong_device")
                return self.async_update_reload_and_abort(
                    entry, data_updates={CONF_API_KEY: api_key}
                )
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(REAUTH_SCHEMA, user_input),
            description_placeholders={"name": as_text(entry.title)},
            errors=errors,
        )

    async def _async_linked(self, url: str, api_key: str) -> dict[str, str]:
        """Return the CEMMs linked to a key: MAC → uid. Raises CemmError."""
        api = RemoteApi(url, api_key, async_get_clientsession(self.hass))
        return {normalize_mac(uid): uid for uid in await api.uids()}
