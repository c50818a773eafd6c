"""What the recorder is told to leave out, and units that the user changes meanwhile."""

from unittest.mock import patch

from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.statistics import async_change_statistics_unit
import pytest

from custom_components.cemm.history import apply
from simulator import House
from tests.helpers.history import SINCE, assert_true, small_house
from tests.helpers.past import Past


@pytest.fixture
def house() -> House:
    return small_house(SINCE, "p1-gas", "pulse-2")


async def test_what_is_excluded_gets_no_past(past: Past) -> None:
    """It would end when the import does, and look like a meter that has stopped."""
    get_instance(past.hass).entity_filter = lambda entity_id: "gas" not in entity_id
    past.wish()
    await past.settle()
    rows = await past.rows()
    assert not rows["p1-gas_gas"]
    assert_true(past.house, past.counters()["pulse-2_volume"], rows["pulse-2_volume"])
    assert past.history.progress == 100


async def test_a_unit_that_is_changed_while_rows_wait(past: Past) -> None:
    await past.setup()
    await past.go_live(1)
    counter = past.counters()["pulse-2_volume"]
    queue = apply.async_queue
    changed = False

    async def change_first(hass, statistic, what) -> None:  # type: ignore[no-untyped-def]
        """Change the unit between what was read and what is written."""
        nonlocal changed
        metadata = apply._async_metadata

        async def read_before(*args):  # type: ignore[no-untyped-def]
            nonlocal changed
            found = await metadata(*args)
            if statistic.entity_id == counter.entity_id and not changed:
                changed = True
                async_change_statistics_unit(
                    hass,
                    counter.entity_id,
                    new_unit_of_measurement="L",
                    old_unit_of_measurement="m³",
                )
            return found

        with patch.object(apply, "_async_metadata", read_before):
            await queue(hass, statistic, what)

    with (
        patch("custom_components.cemm.history.importer.async_queue", change_first),
        patch.object(apply, "async_queue", change_first),
    ):
        await past.history.async_import()
    assert changed
    rows = await past.rows()
    assert_true(past.house, counter, rows["pulse-2_volume"])
