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
        """The dispatch as the carrier has it now (contract 3f). Raises `not_found`."""
        return models.Dispatch.from_document(await answer(self._native.dispatch_get(dispatch_id)))

    async def stop_at_next_safe_location(
        self, dispatch_id: str, *, reason: str, requested_by: RequesterLike
    ) -> models.CommandStatus:
        """Asks for a stop at the next place that the carrier finds safe (contract 4f); follow it with `command_status`.
        `resume` undoes it.

        What is raised is the same for every command: `stale_dispatch` if the dispatch has changed since it was read,
        `command_out_of_order`, `illegal_transition` where its control mode does not permit it, `scope_missing`, `not_found`,
        `schema_invalid` for a reason or requester longer than the contract allows.
        A command whose answer never came is returned with the receipt `unproven`: the journal finds out.
        """
        call = self._native.stop_at_next_safe_location(dispatch_id, _arguments.asking(reason, requested_by))
        return models.CommandStatus.from_document(await answer(call))

    async def resume(
        self, dispatch_id: str, command_ref: str, *, reason: str, requested_by: RequesterLike
    ) -> models.CommandStatus:
        """Asks to go on after the stop that was asked for under the command id `command_ref`. Raises as
        `stop_at_next_safe_location` does."""
        call = self._native.dispatch_resume(dispatch_id, command_ref, _arguments.asking(reason, requested_by))
        return models.CommandStatus.from_document(await answer(call))

    async def hold(
        self, dispatch_id: str, *, reason: str, requested_by: RequesterLike, lease: SpanLike
    ) -> models.CommandStatus:
        """Asks to hold the vehicle at its terminal. The hold lapses after `lease` (whole seconds, or a timedelta) unless it
        is renewed; what the vehicle does then, the carrier publishes as `holdLapse`. `release` undoes it. Raises as
        `stop_at_next_safe_location` does."""
        asking = _arguments.asking(reason, requested_by)
        call = self._native.dispatch_hold(dispatch_id, asking, _arguments.seconds(lease))
        return models.CommandStatus.from_document(await answer(call))

    async def renew_hold(
        self, dispatch_id: str, command_ref: str, *, reason: str, requested_by: RequesterLike, lease: SpanLike
    ) -> models.CommandStatus:
        """Asks for another lease (whole seconds, or a timedelta), from now, for the hold that was asked for under the command
        id `command_ref`. Raises as `stop_at_next_safe_location` does."""
        asking = _arguments.asking(reason, requested_by)
        call = self._native.dispatch_renew_hold(dispatch_id, command_ref, asking, _arguments.seconds(lease))
        return models.CommandStatus.from_document(await answer(call))

    async def release(
        self, dispatch_id: str, command_ref: str, *, reason: str, requested_by: RequesterLike
    ) -> models.CommandStatus:
        """Asks to end the hold that was asked for under the command id `command_ref`. Raises as `stop_at_next_safe_location`
        does."""
        call = self._native.dispatch_release(dispatch_id, command_ref, _arguments.asking(reason, requested_by))
        return models.CommandStatus.from_document(await answer(call))

    async def request_intervention(
        self, dispatch_id: str, kind: models.InterventionKindLike, *, reason: str, requested_by: RequesterLike
    ) -> models.CommandStatus:
        """Asks for a person: `human_takeover`, `transfer_hub` or `roadside_service`. The one command that is taken in the
        control modes `manual_override`, `minimal_risk` and `out_of_service` (contract 4f). Raises as
        `stop_at_next_safe_location` does."""
        asking = _arguments.asking(reason, requested_by)
        call = self._native.dispatch_request_intervention(dispatch_id, str(kind), asking)
        return models.CommandStatus.from_document(await answer(call))

    async def change_route(
        self, dispatch_id: str, detour_id: str, *, reason: str, requested_by: RequesterLike
    ) -> models.CommandStatus:
        """Asks for a detour that the capacity's route permits, by its id. Raises `detour_not_permitted` for another one, and as
        `stop_at_next_safe_location` does."""
        asking = _arguments.asking(reason, requested_by)
        call = self._native.dispatch_change_route(dispatch_id, detour_id, asking)
        return models.CommandStatus.from_document(await answer(call))

    async def command(
        self,
        dispatch_id: str,
        type: models.CommandTypeLike,
        *,
        reason: str,
        requested_by: RequesterLike,
        params: DocumentLike | None = None,
        expires_in: SpanLike | None = None,
        lease: SpanLike | None = None,
        command_id: str | None = None,
    ) -> models.CommandStatus:
        """Asks for a command of any type of the contract (4f); `params` are the members that belong to the type
        (`models.CommandParams`).

        It stays open for `expires_in` (seconds or a timedelta; 5 minutes unless given, at most 15); no answer by then is a
        no. `lease` (whole seconds or a timedelta) belongs to `hold_at_terminal` alone. A `command_id` of your own makes
        asking repeatable: the same command is asked for once. Raises as `stop_at_next_safe_location` does, and
        `schema_invalid` for params that do not belong to the type.
        """
        call = self._native.command(
            dispatch_id,
            str(type),
            _arguments.asking(reason, requested_by),
            _arguments.maybe_document(params),
            _arguments.milliseconds(expires_in),
            None if lease is None else _arguments.seconds(lease),
            command_id,
        )
        return models.CommandStatus.from_document(await answer(call))

    async def command_status(self, dispatch_id: str, command_id: str) -> models.CommandStatus:
        """How far a command got, fresh from the carrier. Raises `not_found`."""
        return models.CommandStatus.from_document(await answer(self._native.command_status(dispatch_id, command_id)))

    async def revoke(
        self, dispatch_id: str, command_id: str, *, reason: str, requested_by: RequesterLike
    ) -> models.CommandStatus:
        """Takes a command back that is not executing yet (contract 4f). Whoever says it first is on record (`commands`): said
        again, it is the same revocation.

        Raises `illegal_transition` once it executes or has ended, `not_found`; `schema_invalid`, before anything is sent, for
        a reason or requester longer than the contract allows.
        """
        call = self._native.command_revoke(dispatch_id, command_id, _arguments.asking(reason, requested_by))
        return models.CommandStatus.from_document(await answer(call))

    async def commands(self, dispatch_id: str) -> list[models.CommandRecord]:
        """Every command that was asked of a dispatch, oldest first: who asked for what and why, and what became of it. From
        the journal alone; asks nobody, and raises those of the journal."""
        found = await answer(self._native.command_records(dispatch_id))
        return [models.CommandRecord.from_document(record) for record in found]
