"""Webhooks in FastAPI and Starlette."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from .. import aio
from .._gladhand import WEBHOOK_LIMIT


async def receive(gh: aio.Client, request: Request) -> Response:
    """The response to a request to the webhook's address; route OPTIONS and POST here.

    Reads the body itself: it must be raw, and no more of it is read than may be in it. Raises what is not the sender's
    doing, such as `journal_unwritable`; the framework's 500 for it makes the carrier come again.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) >= WEBHOOK_LIMIT:
            break
    answered = await gh.inbox.answer(request.method, request.headers.raw, body)
    fields = {field.name: field.value for field in answered.headers}
    return Response(answered.body, answered.status, fields)
