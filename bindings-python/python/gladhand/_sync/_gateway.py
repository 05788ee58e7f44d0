# Generated from gladhand/aio/_gateway.py by tools/make_sync.py. Do not edit.
"""The vehicle side: publishing what vehicles observe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

from .. import _arguments, models
from .._arguments import Column, DocumentLike
from .._exit import keep
from .._gladhand import Call, Document
from .._gladhand import Gateway as Native
from ..vehicle import Admission, Conservation, Fault, Published, Record, Sensor
from ._answer import answer


class Gateway:
    """A vehicle gateway: takes records at once, sends them in order, keeps what the collector has not confirmed.

    `path` is the gateway's configuration; without it the variable `GLADHAND_CONFIG` names it. It connects with the first
    record. Use it as a context manager, so that what is under way arrives.
    """

    def __init__(self, path: str | Path | None = None, **overrides: str) -> None:
        place, settings = None if path is None else str(path), _arguments.settings(overrides)

        def begin() -> Call[Native]:
            return Native.connect(place, settings)

        # The settings themselves are no attribute: a key may be among them.
        self._connect = begin
        self._path = place
        self._native: Native | None = None

    def open(self) -> Native:
        """Reads configuration, certificates and spool now; the collector may be out of reach. Raises `ConfigError`,
        `IdentityError`, and `journal_busy` where another process has the spool."""
        if self._native is None:
            self._native = answer(self._connect())
            keep(self._native)
        return self._native

    def publish(
        self,
        *,
        vehicle_id: str,
        observed_at: datetime | int,
        lat: float | None = None,
        lon: float | None = None,
        altitude_m: float | None = None,
        horizontal_accuracy_m: float = 0.0,
        vertical_accuracy_m: float = 0.0,
        speed_mps: float | None = None,
        heading_deg: float | None = None,
        acceleration_mps2: tuple[float, float] = (0.0, 0.0),
        yaw_rate_degps: float = 0.0,
        autonomy_mode: str = "unspecified",
        autonomy_level: str = "unspecified",
        sensors: Sequence[Sensor] = (),
        faults: Sequence[Fault] = (),
        load_id: str = "",
        capacity_id: str = "",
        dispatch_id: str = "",
        event_sequence: int = 0,
        trace_id: str = "",
        span_id: str = "",
    ) -> Admission:
        """Publishes one observation; returns when it is admitted, not when it has arrived.

        `observed_at` is an aware datetime or nanoseconds since 1970 (UTC); degrees are WGS 84, the heading clockwise from
        north; acceleration is forwards and to the left. Numbers are rounded to 1e-7 degree, 1 mm, 1 mm/s, 0.01 degree of
        heading, 1 mm/s² and 0.001 degree/s, halves away from zero. `event_sequence` 0 lets the gateway number the record.

        Raises `invalid_argument` for a measurement out of range and a name that the contract does not know, `schema_invalid`,
        `record_too_large`, `telemetry_refused` once the collector refuses this gateway for good, `client_closed`; and as `open`
        does, the first time.
        """
        native = self._native or self.open()
        record = (
            vehicle_id,
            load_id,
            capacity_id,
            dispatch_id,
            autonomy_mode,
            autonomy_level,
            trace_id,
            span_id,
            tuple(sensors),
            observed_at if type(observed_at) is int else _arguments.nanoseconds(observed_at),
            event_sequence,
            lat,
            lon,
            altitude_m,
            horizontal_accuracy_m,
            vertical_accuracy_m,
            speed_mps,
            heading_deg,
            acceleration_mps2,
            yaw_rate_degps,
            tuple(faults),
        )
        return Admission._make(native.publish(record))

    def publish_records(self, records: Iterable[Record]) -> Published:
        """Publishes many observations, in their order: all of them or, if one is refused, none. Raises as `publish` does."""
        native = self._native or self.open()
        return Published._make(native.publish_records([_arguments.record(record) for record in records]))

    def publish_columns(
        self,
        *,
        vehicle_id: str,
        observed_at: Column,
        lat: Column | None = None,
        lon: Column | None = None,
        latitude_e7_deg: Column | None = None,
        longitude_e7_deg: Column | None = None,
        altitude_m: Column | None = None,
        horizontal_accuracy_m: Column | None = None,
        vertical_accuracy_m: Column | None = None,
        speed_mps: Column | None = None,
        heading_deg: Column | None = None,
        acceleration_longitudinal_mps2: Column | None = None,
        acceleration_lateral_mps2: Column | None = None,
        yaw_rate_degps: Column | None = None,
        autonomy_mode: str | Column = "unspecified",
        autonomy_level: str | Column = "unspecified",
        sensors: Sequence[Sensor] = (),
        load_id: str = "",
        capacity_id: str = "",
        dispatch_id: str = "",
        event_sequence: Column | None = None,
        trace_id: str = "",
        span_id: str = "",
    ) -> Published:
        """Publishes many observations of one vehicle: all of them or, if one is refused, none.

        A column is a NumPy array or another one-dimensional buffer (`array.array`, a memoryview) with one value per
        observation; `observed_at` has integer nanoseconds since 1970 (UTC), or is a NumPy array of datetime64. NaN is a
        value that is not stated. Units and rounding are those of `publish`; a place may also be given as integers of 1e-7
        degree (`latitude_e7_deg`, `longitude_e7_deg`), modes and levels as numbers of the telemetry contract. Columns are
        copied: the caller may use them again at once. Raises as `publish` does; `invalid_argument` names the column of another
        length, or the row and what is wrong in it.
        """
        native = self._native or self.open()
        words = [value if isinstance(value, str) else "unspecified" for value in (autonomy_mode, autonomy_level)]
        labels = (vehicle_id, load_id, capacity_id, dispatch_id, *words, trace_id, span_id, tuple(sensors))
        columns = {
            "observed_at": observed_at,
            "lat": lat,
            "lon": lon,
            "latitude_e7_deg": latitude_e7_deg,
            "longitude_e7_deg": longitude_e7_deg,
            "altitude_m": altitude_m,
            "horizontal_accuracy_m": horizontal_accuracy_m,
            "vertical_accuracy_m": vertical_accuracy_m,
            "speed_mps": speed_mps,
            "heading_deg": heading_deg,
            "acceleration_longitudinal_mps2": acceleration_longitudinal_mps2,
            "acceleration_lateral_mps2": acceleration_lateral_mps2,
            "yaw_rate_degps": yaw_rate_degps,
            "autonomy_mode": None if isinstance(autonomy_mode, str) else autonomy_mode,
            "autonomy_level": None if isinstance(autonomy_level, str) else autonomy_level,
            "event_sequence": event_sequence,
        }
        return Published._make(native.publish_columns(labels, _arguments.columns(columns)))

    def publish_document(self, record: DocumentLike) -> Admission:
        """Publishes a record that is JSON already, with the names of the telemetry contract. Raises as `publish` does."""
        native = self._native or self.open()
        return _admission(native.publish_document(_arguments.document(record)))

    def stats(self) -> Conservation:
        """What became of the records so far."""
        return Conservation(0, 0, 0, 0) if self._native is None else _conservation(self._native.stats())

    def metrics(self) -> models.Metrics:
        """Numbers to watch the gateway by, as `Client.metrics`: each a sample with its `name`, its `labels` (`lane`, `reason`)
        and its `value`; names that end in `_total` count up from the start of the gateway's epoch. Asks nobody. Raises
        `ConfigError` and `IdentityError` where it has not connected yet."""
        native = self._native or self.open()
        return models.Metrics.from_document(native.metrics())

    def flush(self) -> Conservation:
        """Returns when everything published is confirmed by the collector or declared lost. Raises `deadline_exceeded` with
        what still waits, and why a collector refuses this gateway for good."""
        native = self._native or self.open()
        return _conservation(answer(native.flush()))

    def close(self) -> None:
        """Sends what is waiting and ends the stream; what is then unconfirmed waits in the spool for the next start. Raises as
        `flush` does, and `journal_unwritable` where the spool could not be closed well."""
        if self._native is not None:
            answer(self._native.close())

    def __repr__(self) -> str:
        return f"Gateway(path={self._path!r})"

    def __enter__(self) -> Gateway:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _admission(found: Document) -> Admission:
    return Admission(
        lane=found.text("/lane") or "",
        sequence=int(found.number("/sequence") or 0),
        event_sequence=int(found.text("/eventSequence") or 0),
        accepted=found.boolean("/accepted") or False,
    )


def _conservation(found: Document) -> Conservation:
    return Conservation(*(int(found.number(f"/{name}") or 0) for name in Conservation._fields))
