"""Vehicles at work. A command is a request to the carrier's operations centre: the carrier decides, nothing is actuated
from here."""

from __future__ import annotations

from .. import _arguments, models
from .._arguments import DocumentLike, RequesterLike, SpanLike
from .._gladhand import Client as Native
from ._answer import answer


class Dispatches:
    """Dispatches and the commands that one may ask for."""

    def __init__(self, native: Native) -> None:
        self._native = native

    async def get(self, dispatch_id: str) -> models.Dispatch:
        """The dispatch as the carrier has it now."""
        return models.Dispatch.from_document(await answer(self._native.dispatch_get(dispatch_id)))

    async def stop_at_next_safe_location(
        self, dispatch_id: str, *, reason: str, requested_by: str
    ) -> models.CommandStatus:
        """Asks for a conditional stop, as a dispatcher; follow it with `command_status`."""
        call = self._native.stop_at_next_safe_location(dispatch_id, reason, requested_by)
        return models.CommandStatus.from_document(await answer(call))

    async def resume(self, dispatch_id: str, *, reason: str, requested_by: RequesterLike) -> models.CommandStatus:
        """Asks to go on after a stop."""
        return await self.command(dispatch_id, "resume", reason=reason, requested_by=requested_by)

    async def hold(
        self, dispatch_id: str, *, reason: str, requested_by: RequesterLike, lease: SpanLike | None = None
    ) -> models.CommandStatus:
        """Asks to hold the vehicle at its terminal, for `lease` unless renewed."""
        return await self.command(
            dispatch_id, "hold_at_terminal", reason=reason, requested_by=requested_by, lease=lease
        )

    async def release(self, dispatch_id: str, *, reason: str, requested_by: RequesterLike) -> models.CommandStatus:
        """Asks to release a held vehicle."""
        return await self.command(dispatch_id, "release", reason=reason, requested_by=requested_by)

    async def command(
        self,
        dispatch_id: str,
        type: str,
        *,
        reason: str,
        requested_by: RequesterLike,
        params: DocumentLike | None = None,
        expires_in: SpanLike | None = None,
        lease: SpanLike | None = None,
        command_id: str | None = None,
    ) -> models.CommandStatus:
        """Asks for a command of any type of the contract; `params` are the members that belong to the type.

        It stays open for `expires_in`; no answer by then is a no. A `command_id` of your own makes asking repeatable: the
        same command is asked for once.
        """
        call = self._native.command(
            dispatch_id,
            type,
            reason,
            *_arguments.requester(requested_by),
            _arguments.maybe_document(params),
            _arguments.milliseconds(expires_in),
            _arguments.seconds(lease),
            command_id,
        )
        return models.CommandStatus.from_document(await answer(call))

    async def command_status(self, dispatch_id: str, command_id: str) -> models.CommandStatus:
        """How far a command got."""
        return models.CommandStatus.from_document(await answer(self._native.command_status(dispatch_id, command_id)))

    async def revoke(self, dispatch_id: str, command_id: str) -> models.CommandStatus:
        """Takes a command back that is not executing yet."""
        return models.CommandStatus.from_document(await answer(self._native.command_revoke(dispatch_id, command_id)))
