"""Webhooks in the web frameworks: one function for each, from its request to its response.

* `starlette`: FastAPI and Starlette, with `gladhand.aio`. * `django`, `flask`: with `gladhand`.

Each hands method, header fields and the raw body to `gh.inbox.answer` and answers as that says: the handshake before a
carrier's first webhook, the webhooks, and their refusals. A framework is imported by its own module alone, and is no
dependency of this package.
"""
