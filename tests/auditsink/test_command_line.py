"""`kubescrow auditsink`: a token that works, and wrong use that is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auditsink.tokens import Tokens
from kubescrow.__main__ import app


def test_a_token_is_printed_alone(tmp_path: Path) -> None:
    """So that a script can take it; the data folder is made."""
    result = CliRunner().invoke(app, ["auditsink", "token", "--data", str(tmp_path / "data"), "prod"])
    assert result.exit_code == 0
    assert Tokens(tmp_path / "data" / "tokens.json").is_valid("prod", result.stdout.strip())


def test_json_says_how_many_tokens_are_valid(tmp_path: Path) -> None:
    """Two at most."""
    for valid in (1, 2, 2):
        result = CliRunner().invoke(app, ["auditsink", "token", "--data", str(tmp_path), "prod", "-o", "json"])
        said = json.loads(result.stdout)
        assert (said["cluster"], said["valid"], len(said["token"])) == ("prod", valid, 58)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["Prod"], "cluster 'Prod': allowed: a name that matches"),
        (["prod", "-o", "xml"], "--output xml: allowed: json"),
    ],
)
def test_wrong_use_is_told(tmp_path: Path, arguments: list[str], text: str) -> None:
    """Exit code 2, and what is allowed."""
    result = CliRunner().invoke(app, ["auditsink", "token", "--data", str(tmp_path), *arguments])
    assert result.exit_code == 2
    assert text in result.stderr


def test_a_start_without_certificate_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 2 and the settings that are missing."""
    monkeypatch.delenv("ESCROW_SINK_PLAINTEXT", raising=False)
    result = CliRunner().invoke(app, ["auditsink", "run"])
    assert result.exit_code == 2
    assert "ESCROW_SINK_TLS_CERTIFICATE: missing" in result.stderr


def test_a_start_that_fails_is_told_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1."""
    for name, value in {"PLAINTEXT": "loopback", "HOST": "127.0.0.1", "DATA": str(tmp_path)}.items():
        monkeypatch.setenv(f"ESCROW_SINK_{name}", value)
    (tmp_path / "auditsink.db").write_text("this is no database, whatever its name says" * 20)
    result = CliRunner().invoke(app, ["auditsink", "run"])
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].endswith("auditsink.db: file is not a database")
