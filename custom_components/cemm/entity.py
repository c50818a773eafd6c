"""What all entities of a meter share."""

from typing import override

from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .channels import ChannelDescription
from .client import Meter
from .coordinator import CemmCoordinator
from .devices import meter_device_info, unique_id
from .kinds import MeterKind
from .meters.meter import MeterData


class MeterEntity(CoordinatorEntity[CemmCoordinator]):
    """An entity of a meter."""

    _attr_has_entity_name = True

    def __init__(
        self,
        coordinator: CemmCoordinator,
        meter: Meter,
        kind: MeterKind,
        description: ChannelDescription,
    ) -> None:
        """Tie the entity to a meter that the coordinator may or may not know now."""
        super().__init__(coordinator, context=meter.alias)
        self.entity_description = description
        self._alias = meter.alias
        self._attr_unique_id = unique_id(coordinator.mac, meter.alias, description.key)
        same_kind = (a for a, data in coordinator.data.items() if data.kind is kind)
        self._attr_device_info = meter_device_info(
            coordinator.mac,
            coordinator.roster.device_id,
            meter,
            kind,
            is_first=next(same_kind, meter.alias) == meter.alias,
        )

    @property
    @override
    def available(self) -> bool:
        """Whether the meter answers: a CEMM that does may have lost one meter."""
        return self._attr_available

    @property
    def meter_data(self) -> MeterData | None:
        """The meter's state; None while the CEMM does not know it."""
        return self.coordinator.data.get(self._alias)
