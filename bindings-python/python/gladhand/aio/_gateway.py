"""The vehicle side: publishing what vehicles observe."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType

from .. import _arguments
from .._arguments import DocumentLike
from .._exit import keep
from .._gladhand import Call, Document
from .._gladhand import Gateway as Native
from ..vehicle import Admission, Conservation, Fault, Sensor
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
        self._native: Native | None = None

    async def open(self) -> Native:
        """Reads configuration and certificates now. Raises `ConfigError` and `IdentityError`."""
        if self._native is None:
            self._native = await answer(self._connect())
            keep(self._native)
        return self._native

    async def publish(
        self,
        *,
        vehicle_id: str,
        observed_at: datetime | int,
        lat: float | None = None,
        lon: float | None = None,
        altitude_m: float | None = None,
        horizontal_accuracy_m: float = 0.0,
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
    ) -> Admission:
        """Publishes one observation; returns when it is admitted, not when it has arrived.

        `observed_at` is an aware datetime or nanoseconds since 1970 (UTC); degrees are WGS 84, the heading clockwise from
        north; acceleration is forwards and to the left. `event_sequence` 0 lets the gateway number the record.
        """
        native = self._native or await self.open()
        admitted = native.publish(
            vehicle_id=vehicle_id,
            observed_unix_nanos=_arguments.nanoseconds(observed_at),
            lat=lat,
            lon=lon,
            altitude_m=altitude_m,
            horizontal_accuracy_m=horizontal_accuracy_m,
            speed_mps=speed_mps,
            heading_deg=heading_deg,
            acceleration_mps2=acceleration_mps2,
            yaw_rate_degps=yaw_rate_degps,
            autonomy_mode=autonomy_mode,
            autonomy_level=autonomy_level,
            sensors=list(sensors),
            faults=list(faults),
            load_id=load_id,
            capacity_id=capacity_id,
            dispatch_id=dispatch_id,
            event_sequence=event_sequence,
        )
        return _admission(admitted)

    async def publish_document(self, record: DocumentLike) -> Admission:
        """Publishes a record that is JSON already, with the names of the telemetry contract."""
        native = self._native or await self.open()
        return _admission(native.publish_document(_arguments.document(record)))

    def stats(self) -> Conservation:
        """What became of the records so far."""
        return Conservation(0, 0, 0, 0) if self._native is None else _conservation(self._native.stats())

    async def flush(self) -> Conservation:
        """Returns when everything published is confirmed by the collector or declared lost."""
        native = self._native or await self.open()
        return _conservation(await answer(native.flush()))

    async def close(self) -> None:
        """Sends what is waiting and ends the stream."""
        if self._native is not None:
            await answer(self._native.close())

    async def __aenter__(self) -> Gateway:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _admission(found: Document) -> Admission:
    return Admission(
        lane=found.text("/lane") or "",
        sequence=int(found.number("/sequence") or 0),
        event_sequence=int(found.text("/eventSequence") or 0),
        accepted=found.boolean("/accepted") or False,
    )


def _conservation(found: Document) -> Conservation:
    return Conservation(*(int(found.number(f"/{name}") or 0) for name in Conservation._fields))
