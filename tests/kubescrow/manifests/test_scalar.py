"""Plain scalars mean what they mean to kubectl; the real one is asked."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubescrow.manifests.scalar import NotJson, resolved
from kubescrow.manifests.stream import documents
from tests.controlplane.binaries import binaries

PLAIN: dict[str, Any] = {
    "y": True,
    "Y": True,
    "yes": True,
    "on": True,
    "True": True,
    "tRUE": "tRUE",
    "n": False,
    "off": False,
    "~": None,
    "null": None,
    "NuLL": "NuLL",
    "12": 12,
    "+12": 12,
    "-0": 0,
    "1_000": 1000,
    "_1": "_1",
    "017": 15,
    "0o17": 15,
    "08": 8,
    "0x1F": 31,
    "-0x1f": -31,
    "0b101": 5,
    "-0b101": -5,
    "0x": "0x",
    "22:22": "22:22",
    "1:30:00": "1:30:00",
    "2026-11-26": "2026-11-26",
    "2026-11-26T10:00:00Z": "2026-11-26T10:00:00Z",
    "1e3": 1000,
    "1.0": 1,
    "1.5": 1.5,
    "-.5": -0.5,
    ".5": 0.5,
    ".5e1": 5,
    "5.": 5,
    ".": ".",
    "..": "..",
    "-": "-",
    "+": "+",
    "1e400": "1e400",
    ".5e400": ".5e400",
    "9223372036854775807": 2**63 - 1,
    "18446744073709551615": 2.0**64,
    "0xFFFFFFFFFFFFFFFF": 2.0**64,
    "18446744073709551616": 2.0**64,
    "0x1FFFFFFFFFFFFFFFF": "0x1FFFFFFFFFFFFFFFF",
    "1.2.3": "1.2.3",
    "=": "=",
    "v1": "v1",
    "1Gi": "1Gi",
    "100m": "100m",
    "on_": "on_",
}


@pytest.mark.parametrize(("text", "value"), PLAIN.items(), ids=PLAIN.keys())
def test_a_plain_scalar(text: str, value: Any) -> None:
    """Of the type that kubectl sends."""
    assert resolved(text) == value
    assert type(resolved(text)) is type(value)


def test_kubectl_reads_them_the_same(tmp_path: Path) -> None:
    """Values, keys, merges, quoting and tags: this reader and the real kubectl make the same object of one file."""
    values = "".join(f"  k{number}: {text}\n" for number, text in enumerate(PLAIN) if text != "-")
    keys = "".join(f"  {key}: x\n" for key in ("on", "12", "1.5", "017", "22:22", "'y'", "2026-11-26"))
    merges = "one: &one {a: 1, b: 1}\ntwo: &two {b: 2, c: 2}\nall: {a: 0, <<: [*one, *two], c: 3}\n"
    tags = "tags: [!!str 12, ! 12, '12', \"y\", *one]\nblock: |\n  a\n\n   b\nfolded: >-\n  a\n  b\n"
    head = "apiVersion: example.com/v1\nkind: Odd\nmetadata: {name: a}\n"
    path = tmp_path / "odd.yaml"
    path.write_text(f"{head}values:\n{values}keys:\n{keys}{merges}{tags}")
    (ours,) = [document.value for document in documents(path.read_bytes())]
    command = [str(binaries().kubectl), "label", "--local", "-o", "json", "-f", str(path), "told=yes"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env={"PATH": os.defpath})
    theirs = json.loads(done.stdout, parse_int=resolved)  # Go writes a large float like an integer
    theirs["metadata"].pop("labels")
    assert ours == theirs


@pytest.mark.parametrize("text", [".nan", ".NaN", ".inf", "+.Inf", "-.INF"])
def test_what_json_cannot_hold_is_refused(text: str) -> None:
    """As kubectl does."""
    with pytest.raises(NotJson):
        resolved(text)


@given(st.text("0123456789+-._eExXobB:", max_size=12))
def test_any_number_like_text_has_a_finite_value(text: str) -> None:
    """Or is refused as not finite."""
    try:
        value = resolved(text)
    except NotJson:
        return
    assert json.dumps(value, allow_nan=False)


def test_thousands_of_digits_are_a_text_or_a_float_at_once() -> None:
    """Reading them as an integer would be slow."""
    assert resolved("9" * 300) == float("9" * 300)
    assert resolved("9" * 100_000) == "9" * 100_000
