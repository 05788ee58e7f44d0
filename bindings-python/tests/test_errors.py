"""One base, one class per family, every fact an attribute."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path

import pytest

import gladhand
from gladhand import errors


def test_the_table_is_the_contracts(vectors: Path) -> None:
    table = json.loads((vectors.parent / "contract" / "errors.json").read_text())
    for row in table["codes"]:
        error = errors.make(row["code"], "something happened")
        assert isinstance(error, gladhand.Error)
        assert (error.code, error.kind, error.retry, error.remedy) == (
            row["code"],
            row["kind"],
            row["retry"],
            row["remedy"],
        )


def test_a_missing_setting_is_named(tmp_path: Path) -> None:
    config = tmp_path / "gladhand.toml"
    config.write_text('environment = "sandbox"\n')
    with pytest.raises(errors.ConfigError) as caught:
        gladhand.connect(config)
    assert caught.value.code == "config_missing"
    assert "tenant" in caught.value.message
    assert caught.value.sent == "not_sent"


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    config = tmp_path / "gladhand.toml"
    config.write_text('tenent = "acme"\n')
    with pytest.raises(errors.ConfigError, match="tenent"):
        gladhand.connect(config)


def test_a_missing_sandbox_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(gladhand.Error, match="GLADHAND_SANDBOX") as caught:
        gladhand.sandbox(program=tmp_path / "nowhere")
    assert caught.value.code == "sandbox_unavailable"


def test_errors_travel_between_processes() -> None:
    error = errors.make("tender_conflict", "held", sent="acknowledged", http_status=409, causes=["one", "two"])
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(other) is errors.ConflictError
        assert vars(other) == vars(error)
