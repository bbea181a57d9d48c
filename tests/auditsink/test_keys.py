"""Keys are made once and never again."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from auditsink.keys import KeysBroken, dedup_check, load_or_make


def test_the_first_start_makes_keys_and_the_next_finds_them(tmp_path: Path) -> None:
    """In a file for us alone, and nothing beside it."""
    path = tmp_path / "keys.json"
    first = load_or_make(path)
    assert load_or_make(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["keys.json"]
    assert first.masking.secret != first.dedup


def test_two_installations_have_different_keys(tmp_path: Path) -> None:
    """And their databases tell them apart."""
    one, two = (load_or_make(tmp_path / name) for name in ("a.json", "b.json"))
    assert dedup_check(one) != dedup_check(two)


def test_keys_that_somebody_else_made_meanwhile_are_used(tmp_path: Path) -> None:
    """Two that start at once use the same keys."""
    path = tmp_path / "keys.json"
    theirs = load_or_make(tmp_path / "theirs.json")

    def random(count: int) -> bytes:
        if not path.exists():
            (tmp_path / "theirs.json").rename(path)
        return b"z" * count

    assert load_or_make(path, random=random) == theirs


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "x",
        '{"id": "k1", "masking": "00", "dedup": "00"}',
        json.dumps({"id": "K!", "masking": "00" * 32, "dedup": "00" * 32}),
        json.dumps({"id": 1, "masking": 2, "dedup": 3}),
    ],
)
def test_a_broken_file_stops_the_start_and_stays(tmp_path: Path, text: str) -> None:
    """It is told what belongs there, and nothing of what stands there."""
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(KeysBroken, match="allowed: JSON with id, masking and dedup"):
        load_or_make(path)
    assert path.read_text() == text


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """By path and reason."""
    with pytest.raises(KeysBroken, match="No such file or directory"):
        load_or_make(tmp_path / "no" / "keys.json")


def test_keys_do_not_show_themselves(tmp_path: Path) -> None:
    """Not in a trace, not in a log."""
    path = tmp_path / "keys.json"
    shown = repr(load_or_make(path))
    assert not any(value in shown for name, value in json.loads(path.read_text()).items() if name != "id")
    assert "secret" not in shown
    assert "dedup=" not in shown
