"""Inputs are found in files and directories, read within bounds, and named when they cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubescrow.manifests.document import INPUT_LIMIT_BYTES
from kubescrow.manifests.files import NoInput, inputs


def test_a_directory_is_all_its_manifests(tmp_path: Path) -> None:
    """In the order of names, folders below included; hidden, linked folders and other files are not."""
    for name in ("b.yaml", "a.yml", "c.json", "d.txt", ".hidden.yaml", "below/e.yaml", ".git/f.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "g.yaml").symlink_to(tmp_path / "d.txt")
    os.mkfifo(tmp_path / "fifo.yaml")  # nobody writes to it: opening it would wait for ever
    found = inputs([str(tmp_path)], may_be_stdin=False)
    names = ["a.yml", "b.yaml", "c.json", "g.yaml", "below/e.yaml"]
    assert [each.name for each in found] == [str(tmp_path / name) for name in names]
    assert [each.read() for each in found] == [b"a.yml", b"b.yaml", b"c.json", b"d.txt", b"below/e.yaml"]


def test_a_named_file_counts_whatever_its_name(tmp_path: Path) -> None:
    """Also a hidden one."""
    path = tmp_path / ".rendered"
    path.write_text("a")
    (found,) = inputs([str(path)], may_be_stdin=False)
    assert (found.read(), found.size) == (b"a", 1)


def test_a_pipe_is_read_once_and_kept() -> None:
    """As in `policy check <(helm template)`: it may be asked for twice."""
    reader, writer = os.pipe()
    os.write(writer, b"a: 1")
    os.close(writer)
    (found,) = inputs([f"/proc/self/fd/{reader}"], may_be_stdin=False)
    assert (found.read(), found.read()) == (b"a: 1", b"a: 1")
    os.close(reader)


def test_an_endless_file_is_cut() -> None:
    """One byte over the limit, by which the reader knows."""
    (found,) = inputs(["/dev/zero"], may_be_stdin=False)
    assert len(found.read()) == INPUT_LIMIT_BYTES + 1


def test_standard_input_is_one_input() -> None:
    """However often it is named; where it cannot be meant, `-` is a file."""
    assert [each.name for each in inputs(["-", "-"], may_be_stdin=True)] == ["standard input"]
    with pytest.raises(NoInput, match=r"^-: not readable: No such file or directory$"):
        inputs(["-"], may_be_stdin=False)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file, an impossible name, a directory without manifests, a file that has gone."""
    with pytest.raises(NoInput, match=r"no\.yaml: not readable: No such file or directory$"):
        inputs([str(tmp_path / "no.yaml")], may_be_stdin=False)
    with pytest.raises(NoInput, match="not the name of a file"):
        inputs(["a\0b"], may_be_stdin=False)
    with pytest.raises(NoInput, match=r"found no file in it that ends in \.yaml, \.yml, \.json$"):
        inputs([str(tmp_path)], may_be_stdin=False)
    path = tmp_path / "a.yaml"
    path.write_text("a")
    (found,) = inputs([str(path)], may_be_stdin=False)
    path.unlink()
    with pytest.raises(NoInput, match=r"a\.yaml: not readable: No such file or directory$"):
        found.read()
