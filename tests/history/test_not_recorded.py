"""What the recorder is told to leave out, and units that the user changes meanwhile."""

from homeassistant.components.recorder import get_instance
import pytest

from custom_components.cemm.days import midnight
from custom_components.cemm.history import apply
from custom_components.cemm.history.recorder import async_metadata
from custom_components.cemm.history.rows import Row
from simulator import House
from tests.helpers.history import SINCE, assert_true, small_house, write
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
    """Between the months of an import, for example: all are in the unit of the first."""
    await past.setup()
    counter = past.counters()["pulse-2_volume"]
    first = Row(midnight(SINCE), 5.0, 1.0)
    await write(past.hass, counter, [first])
    metadata = await apply._async_metadata(past.hass, counter)
    get_instance(past.hass).async_change_statistics_unit(
        counter.entity_id,
        new_unit_of_measurement="L",
        old_unit_of_measurement="m³",
    )
    second = Row(first.end, 6.0, 2.0)
    task = apply._WriteTask(counter, metadata, [second])
    get_instance(past.hass).queue_task(task)
    found = (await past.rows())[counter.name]
    assert found == [first, second]
    stored = await async_metadata(past.hass, [counter])
    assert stored[counter]["unit_of_measurement"] == "L"
