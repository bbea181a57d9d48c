"""Placeholders: equal for equal secrets, known again, not to be made without the key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking import Masker, MaskingKey
from masking.placeholder import GENUINE, Placeholders
from tests.masking.language import KEY, MASKER, placeholder

SECRETS = st.text(alphabet=st.characters(), min_size=1)  # lone surrogates included
KINDS = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)


@given(SECRETS, KINDS)
def test_form(secret: str, kind: str) -> None:
    """Kind, key id and twelve hex digits."""
    match = GENUINE.fullmatch(placeholder(kind, secret))
    assert match is not None
    assert match[1] == KEY.id


@given(SECRETS, KINDS, KINDS)
def test_equal_secrets_have_equal_digits(secret: str, one: str, other: str) -> None:
    """The digits do not depend on the kind, so that a secret is found again elsewhere."""
    assert placeholder(one, secret)[-13:] == placeholder(other, secret)[-13:]


@given(SECRETS)
def test_another_key_has_other_digits(secret: str) -> None:
    """Nobody without the key can test a guess."""
    other = Placeholders(MaskingKey(id=KEY.id, secret=b"another masking key, of 32 bytes"))
    assert other.make("env", secret) != placeholder("env", secret)


@given(KINDS, st.from_regex(r"[0-9a-f]{12}", fullmatch=True))
def test_a_typed_placeholder_is_marked_forged(kind: str, digits: str) -> None:
    """A literal placeholder in input is shown as forged, always in the same way; masked again it stays."""
    literal = f"[masked:{kind}:{KEY.id}{digits}]"
    shown = MASKER.mask_text(f"x {literal} y")
    if not Placeholders(KEY).is_genuine(literal):  # one in 65,536 is
        assert shown == f"x {placeholder('forged', literal)} y"
    assert MASKER.mask_text(shown) == shown


@given(SECRETS, KINDS)
def test_an_own_placeholder_stays(secret: str, kind: str) -> None:
    """Masked output is recognised wherever a secret may stand."""
    own = placeholder(kind, secret)
    obj = {"kind": "Secret", "data": {"x": own}, "stringData": {"y": own}}
    assert MASKER.mask_object(obj) == obj
    assert MASKER.mask_text(own) == own


def test_placeholders_of_an_older_key_stay() -> None:
    """After a rotation, what the old key masked is still recognised; without the old key it is forged."""
    new = MaskingKey(id="k2", secret=b"the masking key after a rotation")
    old = placeholder("jwt", "x")
    assert Masker(new, older=[KEY]).mask_text(old) == old
    assert Masker(new).mask_text(old).startswith("[masked:forged:k2")


def test_no_secret_can_be_chosen_to_authenticate_a_placeholder() -> None:
    """The digits of a secret that spells the check's input are not the check."""
    digits = KEY.digest(b"value", f"{KEY.id}:00000000")[:4]
    assert not Placeholders(KEY).is_genuine(f"[masked:env:{KEY.id}00000000{digits}]")


def test_the_key_is_not_shown() -> None:
    """A key in a log or a traceback shows its id only."""
    assert repr(KEY) == "MaskingKey(id='k1a2')"


@pytest.mark.parametrize(
    ("identity", "secret"), [("K1", b"x" * 32), ("", b"x" * 32), ("a" * 17, b"x" * 32), ("k", b"x")]
)
def test_a_bad_key_is_refused(identity: str, secret: bytes) -> None:
    """An id outside the alphabet would make placeholders that nobody recognises; a short secret could be guessed."""
    with pytest.raises(ValueError, match="masking key"):
        MaskingKey(id=identity, secret=secret)
