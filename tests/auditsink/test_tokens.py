"""A token opens one cluster; two are valid at once; the file never holds one."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from auditsink.tokens import Tokens, TokensBroken


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the hashes are."""
    return tmp_path / "tokens.json"


def test_a_token_is_valid_for_its_cluster_only(path: Path) -> None:
    """And kept as a hash in a file for us alone."""
    tokens = Tokens(path)
    token = tokens.new_token("prod")
    tokens.new_token("test")
    assert tokens.is_valid("prod", token)
    assert not tokens.is_valid("test", token)
    assert not tokens.is_valid("nowhere", token)
    assert token not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("wrong", ["", "x", "kubescrow-sink-", "é\udcff"[:1], "0" * 64])
def test_a_wrong_token_is_invalid(path: Path, wrong: str) -> None:
    """Also the hash of a token, and nothing at all."""
    tokens = Tokens(path)
    token = tokens.new_token("prod")
    assert not tokens.is_valid("prod", wrong)
    assert not tokens.is_valid("prod", token + "x")
    assert not tokens.is_valid("nobody", wrong)


def test_the_third_token_ends_the_first(path: Path) -> None:
    """Two are valid at once, so that they can be changed without a gap."""
    tokens = Tokens(path)
    first, second, third = (tokens.new_token("prod") for _ in range(3))
    assert [tokens.is_valid("prod", token) for token in (first, second, third)] == [False, True, True]
    assert tokens.count("prod") == 2


def test_a_running_server_takes_a_new_token_at_once(path: Path) -> None:
    """Whoever makes it is another process."""
    running = Tokens(path)
    assert not running.is_valid("prod", "x")
    token = Tokens(path).new_token("prod")
    assert running.is_valid("prod", token)
    path.unlink()
    assert not running.is_valid("prod", token)


def test_a_mounted_secret_is_read_again(path: Path, tmp_path: Path) -> None:
    """Kubernetes changes what a link points to."""
    one, two = Tokens(tmp_path / "one"), Tokens(tmp_path / "two")
    tokens = [one.new_token("prod"), two.new_token("prod")]
    path.symlink_to(tmp_path / "one")
    running = Tokens(path)
    assert running.is_valid("prod", tokens[0])
    (tmp_path / "link").symlink_to(tmp_path / "two")
    os.replace(tmp_path / "link", path)  # noqa: PTH105 - the link, not what it points to
    assert running.is_valid("prod", tokens[1])
    assert not running.is_valid("prod", tokens[0])


@pytest.mark.parametrize("name", ["", "Prod", "-a", "a_b", "a/b", "a" * 64, "a\n", "é"])
def test_a_name_that_is_no_clusters_is_refused(path: Path, name: str) -> None:
    """With what is allowed."""
    with pytest.raises(TokensBroken, match="allowed: a name that matches"):
        Tokens(path).new_token(name)


@pytest.mark.parametrize(
    "text", ["", "[]", '{"clusters": []}', '{"clusters": {"prod": ["x"]}}', '{"clusters": {"prod": 1}}']
)
def test_a_broken_file_is_told_and_stays(path: Path, text: str) -> None:
    """Nobody gets in by it, and nothing is overwritten."""
    path.write_text(text)
    with pytest.raises(TokensBroken, match="allowed: JSON"):
        Tokens(path).is_valid("prod", "x")
    with pytest.raises(TokensBroken, match="allowed: JSON"):
        Tokens(path).new_token("prod")
    assert path.read_text() == text
