"""The two halves of the package have the same names, arguments and documentation."""

from __future__ import annotations

import inspect

import gladhand
import gladhand.aio


def operations(cls: type) -> dict[str, str]:
    """Public methods and their parameters."""
    found = {}
    for name, member in inspect.getmembers(cls, inspect.isfunction):
        if not name.startswith("_") or name in ("__init__",):
            found[name] = str(inspect.signature(member).replace(return_annotation=inspect.Signature.empty))
    return found


def test_both_halves_have_the_same_operations() -> None:
    for name in gladhand.aio.__all__:
        ours, theirs = getattr(gladhand, name), getattr(gladhand.aio, name)
        if inspect.isclass(ours):
            assert operations(ours) == operations(theirs), name
        else:
            assert inspect.signature(ours).parameters == inspect.signature(theirs).parameters, name
        assert inspect.getdoc(ours) == inspect.getdoc(theirs), name


def test_the_services_have_the_same_operations() -> None:
    from gladhand._sync import _dispatches, _identity, _services, _tenders
    from gladhand.aio import _dispatches as aio_dispatches
    from gladhand.aio import _identity as aio_identity
    from gladhand.aio import _services as aio_services
    from gladhand.aio import _tenders as aio_tenders

    pairs = (
        (_dispatches, aio_dispatches),
        (_identity, aio_identity),
        (_services, aio_services),
        (_tenders, aio_tenders),
    )
    for ours, theirs in pairs:
        for name, cls in inspect.getmembers(ours, inspect.isclass):
            if cls.__module__ == ours.__name__:
                assert operations(cls) == operations(getattr(theirs, name)), name
