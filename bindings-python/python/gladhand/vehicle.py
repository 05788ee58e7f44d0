"""What goes into `Gateway.publish` beside where the vehicle is, and what comes out."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

__all__ = ["Admission", "Conservation", "Fault", "Published", "Record", "Sensor"]


class Sensor(NamedTuple):
    """A sensor and how it is."""

    kind: str
    """`lidar`, `radar`, `camera`, `imu`, `gnss` and others of the telemetry contract."""
    status: str
    """`nominal`, `calibrating`, `degraded`, `offline` or `failed`."""
    position: int = 0
    """Which of its kind, from 0."""
    name: str = ""
    """The carrier's name for it."""
    score_permille: int | None = None
    """Its score in thousandths, where the vehicle has one."""


class Fault(NamedTuple):
    """Something that is wrong, or no longer."""

    code: str
    """What is wrong, as the telemetry contract names it."""
    severity: str
    """How bad it is, as the telemetry contract names it."""
    active: bool = True
    """Whether it is present now; False reports that it has gone."""
    sensor_index: int | None = None
    """The sensor concerned: its place among the record's sensors."""
    j1939_spn: int | None = None
    """Suspect parameter number (SAE J1939)."""
    j1939_fmi: int | None = None
    """Failure mode identifier (SAE J1939)."""
    vendor_code: str = ""
    """The vendor's own code."""


class Record(NamedTuple):
    """One observation of one vehicle, with the names and units of `Gateway.publish`; `observed_at` must be stated."""

    vehicle_id: str
    load_id: str = ""
    capacity_id: str = ""
    dispatch_id: str = ""
    autonomy_mode: str = "unspecified"
    autonomy_level: str = "unspecified"
    trace_id: str = ""
    span_id: str = ""
    sensors: tuple[Sensor, ...] = ()
    observed_at: datetime | int = 0
    event_sequence: int = 0
    lat: float | None = None
    lon: float | None = None
    altitude_m: float | None = None
    horizontal_accuracy_m: float = 0.0
    vertical_accuracy_m: float = 0.0
    speed_mps: float | None = None
    heading_deg: float | None = None
    acceleration_mps2: tuple[float, float] = (0.0, 0.0)
    yaw_rate_degps: float = 0.0
    faults: tuple[Fault, ...] = ()


class Admission(NamedTuple):
    """What became of a record that was published."""

    lane: str
    """The lane that it goes through, such as `safety`."""
    sequence: int
    """Its number in the lane."""
    event_sequence: int
    """Its number at the source, over all lanes."""
    accepted: bool
    """False if the lane's budget was used up and the record was dropped, which the collector is told."""


class Published(NamedTuple):
    """What became of records that were published together."""

    accepted: int
    """How many of them were taken."""
    dropped: int
    """How many records, of these or older ones, had to go meanwhile, which the collector is told: `Conservation.dropped`
    grew by so many."""
    first_event_sequence: int
    """The number of the first at the source; 0 if there was none."""
    last_event_sequence: int
    """The number of the last at the source; 0 if there was none."""


class Conservation(NamedTuple):
    """What became of all records: produced = acknowledged + dropped + pending."""

    produced: int
    acknowledged: int
    dropped: int
    pending: int
