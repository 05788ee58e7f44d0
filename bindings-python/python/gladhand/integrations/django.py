"""Webhooks in Django."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse  # type: ignore[import-untyped]

from .._gladhand import WEBHOOK_LIMIT
from .._sync._client import Client


def receive(gh: Client, request: HttpRequest) -> HttpResponse:
    """The response to a request to the webhook's address. Exempt the view from CSRF protection: carriers sign instead.

    Reads the body itself: it must be raw, and no more of it is read than may be in it. Raises what is not the sender's
    doing, such as `journal_unwritable`; the framework's 500 for it makes the carrier come again.
    """
    answered = gh.inbox.answer(request.method, request.headers.items(), request.read(WEBHOOK_LIMIT))
    fields = {field.name: field.value for field in answered.headers}
    return HttpResponse(answered.body, status=answered.status, headers=fields)
