"""Nothing that replay, a policy or an approver needs is masked: ordinary manifests come out as they went in."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.masking.language import MASKER

FOLDER = Path(__file__).parent / "ordinary"
MANIFESTS: dict[str, dict[str, Any]] = {
    path.stem: yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader) for path in sorted(FOLDER.glob("*.yaml"))
}
NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
KEPT = {
    "name": NAMES,
    "image": st.builds("{}/{}:{}@sha256:{}".format, NAMES, NAMES, NAMES, st.from_regex("[0-9a-f]{64}", fullmatch=True)),
    "replicas": st.integers(0, 10_000),
    "uid": st.uuids().map(str),
    "cpu": st.integers(1, 64_000).map("{}m".format),
    "memory": st.integers(1, 4_096).map("{}Mi".format),
    "namespace": NAMES,
}


def test_there_is_a_dozen() -> None:
    """The corpus is there."""
    assert len(MANIFESTS) >= 12


@pytest.mark.parametrize("name", MANIFESTS)
def test_an_ordinary_manifest_stays(name: str) -> None:
    """Every value of the corpus."""
    assert MASKER.mask_object(MANIFESTS[name]) == MANIFESTS[name]
    assert MASKER.explain_object(MANIFESTS[name]) == []


@given(st.data(), st.sampled_from(sorted(MANIFESTS)))
def test_names_images_and_numbers_stay(data: st.DataObject, name: str) -> None:
    """Whatever names, images, replicas, quantities, digests and uids stand in a manifest, they come out; labels too."""
    manifest = _drawn(MANIFESTS[name], data)
    assert MASKER.mask_object(manifest) == manifest
    assert MASKER.mask_patch(manifest, kind=str(manifest["kind"])) == manifest


def _drawn(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, list):
        return [_drawn(item, data) for item in value]
    if not isinstance(value, dict):
        return value
    # A variable's name decides about its value, so it is not changed.
    keep = "value" in value
    return {
        key: data.draw(st.dictionaries(NAMES, NAMES, max_size=2))
        if key in ("labels", "matchLabels", "nodeSelector")
        else data.draw(KEPT[key])
        if key in KEPT and isinstance(item, str) and not keep
        else _drawn(item, data)
        for key, item in value.items()
    }
