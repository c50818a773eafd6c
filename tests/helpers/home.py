"""A Home Assistant that can be stopped and started again, and the time that passes."""

from collections.abc import Collection
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import product
from time import time

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder.tasks import PurgeTask, StatisticsTask
from homeassistant.const import Platform
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    category_registry as cr,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    issue_registry as ir,
    label_registry as lr,
    restore_state as rs,
)
from homeassistant.helpers.recorder import get_instance
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_test_home_assistant,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_purge_done,
)
from pytest_homeassistant_custom_component.typing import RecorderInstanceContextManager

from custom_components.cemm.channels import CHANNELS
from custom_components.cemm.const import DOMAIN
from custom_components.cemm.history.manager import INTERVAL
from custom_components.cemm.history.recorder import async_stored
from tests.conftest import MAC, setup

from .history import finished

PERIOD = 300


class Home:
    """One Home Assistant with one CEMM, its database and its storage."""

    def __init__(
        self,
        freezer: FrozenDateTimeFactory,
        recorder: RecorderInstanceContextManager,
        data: dict[str, str],
        *,
        aliases: Collection[str],
        only: Collection[str],
    ) -> None:
        self._freezer = freezer
        self._recorder = recorder
        self.config_dir: str | None = None
        """Where its storage lies, if it is to outlive this process."""
        self.keep_days = 10
        """When the recorder deletes states and short-term rows."""
        self.polls = True
        """Whether the CEMM is asked at moments of its own, too."""
        self.imports = False
        """Whether all of the past is imported by itself."""
        self.records = True
        """Whether there is a recorder."""
        self._data = data
        self._aliases = aliases
        self._only = only
        self._stack = AsyncExitStack()
        self.hass: HomeAssistant
        self.entry: MockConfigEntry

    async def start(self) -> None:
        """Start from what the database and the storage hold."""
        hass = self.hass = await self._stack.enter_async_context(
            async_test_home_assistant(
                load_registries=False,
                config_dir=self.config_dir,
                initial_state=CoreState.not_running,
            )
        )
        del hass.data[DATA_CUSTOM_COMPONENTS]
        dr.async_setup(hass)
        for registry in (ar, cr, dr, er, fr, ir, lr, rs):
            await registry.async_load(hass)
        config = {"purge_keep_days": self.keep_days, "commit_interval": 3600}
        if self.records:
            await self._stack.enter_async_context(self._recorder(hass, config))
        self.entry = MockConfigEntry(
            domain=DOMAIN,
            entry_id="cemm",
            title="CEMM Plus",
            unique_id=MAC,
            data=self._data,
            options={"import_history": self.imports},
            pref_disable_polling=not self.polls,
        )
        self.entry.add_to_hass(hass)
        self._disable_others()
        await setup(hass, self.entry)
        await hass.async_start()
        if self.records:
            await async_stored(hass)

    def _disable_others(self) -> None:
        """Disable all sensors but the wanted ones: each costs the recorder time."""
        registry = er.async_get(self.hass)
        for alias, key in product(self._aliases, CHANNELS):
            if f"{alias}_{key}" not in self._only:
                registry.async_get_or_create(
                    *(Platform.SENSOR, DOMAIN, f"{MAC}_{alias}_{key}"),
                    config_entry=self.entry,
                    disabled_by=er.RegistryEntryDisabler.USER,
                )

    async def stop(self) -> None:
        """Stop as a user would."""
        try:
            await self.hass.async_stop()
            # Its timer ends with the process, which here goes on.
            await self.entry.runtime_data.coordinator.async_shutdown()
        finally:
            await self._stack.aclose()

    async def poll(self, after: float = 0) -> None:
        """Ask the CEMM when some seconds have passed."""
        self._freezer.tick(after)
        await self.entry.runtime_data.coordinator.async_refresh()
        await self.hass.async_block_till_done()

    async def live(self, until: float, every: int = PERIOD) -> None:
        """Let time pass, and the recorder compile its statistics of every five minutes.

        Or only of the last five of some more (seconds): nobody looks at the others.
        """
        while (now := time()) < until:
            start = now // every * every + every - PERIOD
            self._freezer.move_to(dt_util.utc_from_timestamp(start + PERIOD - 0.1))
            await self.poll()
            self._freezer.move_to(dt_util.utc_from_timestamp(start + PERIOD + 10))
            if self.records:
                get_instance(self.hass).queue_task(
                    StatisticsTask(dt_util.utc_from_timestamp(start), fire_events=False)
                )
                await async_stored(self.hass)
            await finished(self.entry)

    async def leap(self, until: float) -> None:
        """Let much time pass in which nothing is measured.

        A running recorder has deleted what is old by then, as it does each night.
        """
        self._freezer.move_to(dt_util.utc_from_timestamp(until))
        if self.hass.is_running:
            before = dt_util.utcnow() - timedelta(days=self.keep_days)
            get_instance(self.hass).queue_task(
                PurgeTask(before, repack=False, apply_filter=False)
            )
            await async_wait_purge_done(self.hass)

    async def tick(self) -> None:
        """Let the hour pass after which holes are looked for."""
        self._freezer.tick(INTERVAL)
        async_fire_time_changed(self.hass)
        await self.hass.async_block_till_done()
        await finished(self.entry)
