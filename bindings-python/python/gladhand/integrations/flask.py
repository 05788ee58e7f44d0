"""Webhooks in Flask."""

from __future__ import annotations

from flask import Request, Response

from .._gladhand import WEBHOOK_LIMIT
from .._sync._client import Client


def receive(gh: Client, request: Request) -> Response:
    """The response to a request to the webhook's address; name OPTIONS and POST among the route's methods, or Flask answers
    OPTIONS by itself.

    Reads the body itself: it must be raw, and no more of it is read than may be in it. Raises what is not the sender's
    doing, such as `journal_unwritable`; the framework's 500 for it makes the carrier come again.
    """
    answered = gh.inbox.answer(request.method, list(request.headers), request.stream.read(WEBHOOK_LIMIT))
    fields = {field.name: field.value for field in answered.headers}
    return Response(answered.body, answered.status, fields)
