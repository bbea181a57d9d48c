"""Every channel and rule is registered, has a case that masks and one that stays; nothing is orphaned."""

from pathlib import Path

import pytest

import masking.channels
from masking.channels import CHANNELS
from masking.channels import _checked as checked
from masking.rules import RULES
from masking.scanner import FORGED
from masking.structure import Channel
from tests.masking.language import CASES, cases

# A rule with a channel's id is the same promise for free texts.
IDS = sorted({channel.id for channel in CHANNELS} | {rule.id for rule in RULES} | {FORGED})


def test_every_channel_file_is_registered() -> None:
    """A file in masking/channels that no tuple names would never be asked."""
    folder = Path(masking.channels.__file__).parent
    files = {path.stem.replace("_", "-") for path in folder.glob("*.py")} - {"--init--"}
    assert files == {channel.id for channel in CHANNELS}, (
        "add the file's CHANNEL to CHANNELS in masking/channels/__init__.py"
    )


def test_no_case_file_is_orphaned() -> None:
    """A case file belongs to a channel or a rule."""
    assert sorted(path.stem for path in CASES.glob("*.yaml")) == IDS


@pytest.mark.parametrize("identity", IDS)
def test_has_both_kinds_of_cases(identity: str) -> None:
    """Each id has a case that masks with this very id, and a case that stays."""
    own = [case for case in cases() if case.id == identity]
    remedy = f"add it to tests/masking/cases/{identity}.yaml"
    assert any(f"[masked:{identity}:" in str(case.expected) for case in own if case.is_masking), remedy
    assert any(not case.is_masking for case in own), remedy


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.id)
def test_channel_is_documented(channel: Channel) -> None:
    """A channel's file says Rule, Fields and Source."""
    module = __import__(channel.treat.__module__, fromlist=["__doc__"])
    for heading in ("**Rule.**", "**Fields.**", "**Source.**"):
        assert heading in (module.__doc__ or ""), f"{module.__file__} needs {heading} in its docstring"


def test_rule_ids_are_unique() -> None:
    """Two rules with one id would hide each other in explanations."""
    ids = [rule.id for rule in RULES]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_needles_are_lower_case(rule: object) -> None:
    """Needles are searched in lower-cased text."""
    needles = getattr(rule, "needles", ())
    assert needles
    assert all(needle == needle.lower() for needle in needles)


def test_registry_refuses_a_wrong_name() -> None:
    """An id that is not its file's name is refused at import."""
    good = CHANNELS[0]
    wrong = Channel("another", good.applies, good.treat, kinds=good.kinds)
    with pytest.raises(ValueError, match="id and file name must agree"):
        checked((wrong,))


def test_registry_refuses_a_repetition() -> None:
    """An id that is used twice is refused at import."""
    with pytest.raises(ValueError, match="registered twice"):
        checked((CHANNELS[0], CHANNELS[0]))


def test_registry_refuses_what_is_never_asked() -> None:
    """A channel with neither fields nor kinds is refused at import."""
    good = CHANNELS[0]
    with pytest.raises(ValueError, match="never asks"):
        checked((Channel(good.id, good.applies, good.treat),))
