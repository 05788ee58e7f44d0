"""What goes into `Gateway.publish` beside where the vehicle is, and what comes out."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Admission", "Conservation", "Fault", "Sensor"]


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


class Conservation(NamedTuple):
    """What became of all records: produced = acknowledged + dropped + pending."""

    produced: int
    acknowledged: int
    dropped: int
    pending: int
