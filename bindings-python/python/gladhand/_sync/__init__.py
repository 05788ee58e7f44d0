"""The synchronous half of the package. All but `_answer` and `_safety` is generated from `gladhand.aio` by
`tools/make_sync.py`: what is awaited there is waited for here."""
