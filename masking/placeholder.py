"""What stands in the place of a secret: `[masked:<kind>:<key id><hmac12>]`.

`kind` is the id of the channel or value rule that found the secret, `key id` names the installation's masking key, and
`hmac12` is 12 hex digits in two parts:

* 8 digits of HMAC-SHA256 over the secret: equal secrets have equal digits wherever they stand ("where else was it
  used"), and nobody without the key can test a guess;
* 4 digits of HMAC-SHA256 over (key id, those 8 digits), which authenticate the placeholder itself.

The second part is needed because masked output must survive a second masking unchanged, while a placeholder that an
agent typed by hand must be shown as what it is: `[masked:forged:...]`. Without the key a forgery passes once in
65,536 tries and then hides nothing (the text itself is what the cluster got). A *copied* genuine placeholder cannot
be told from masked output; it, too, hides nothing. The two HMACs have different prefixes, so that no secret can be
chosen whose digits authenticate another placeholder. The full HMAC, for fingerprints, has a third.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

KEY_ID = re.compile(r"[a-z0-9]{1,16}")
VALUE_DIGITS, CHECK_DIGITS = 8, 4
GENUINE = re.compile(r"\[masked:[a-z0-9-]{1,40}:([a-z0-9]{1,16})([0-9a-f]{8})([0-9a-f]{4})\]")
# Wide on purpose: whatever a reader could take for a placeholder. 128 is more than any genuine one has.
LOOKALIKE = re.compile(r"\[\s{0,8}+masked\s{0,8}+:[^\[\]]{0,128}+\]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MaskingKey:
    """One masking key: `id` matches [a-z0-9]{1,16}, `secret` has at least 16 bytes (32 are made by the server)."""

    id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not KEY_ID.fullmatch(self.id):
            raise ValueError(f"masking key id {self.id!r} must match [a-z0-9]{{1,16}}")
        if len(self.secret) < 16:
            raise ValueError(f"masking key {self.id} has {len(self.secret)} bytes; at least 16 are needed")

    def digest(self, purpose: bytes, text: str) -> str:
        """Return 64 hex digits over purpose and text; lone surrogates are hashed as they are."""
        message = purpose + b"\0" + text.encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, message, "sha256").hex()


class Placeholders:
    """Makes placeholders with one key and knows its own, and those of older keys, again."""

    def __init__(self, key: MaskingKey, older: Iterable[MaskingKey] = ()) -> None:
        self._key = key
        self._keys = {known.id: known for known in (*older, key)}

    def make(self, kind: str, value: str) -> str:
        """Return the placeholder of a secret value."""
        digits = self._key.digest(b"value", value)[:VALUE_DIGITS]
        return f"[masked:{kind}:{self._key.id}{digits}{_check(self._key, digits)}]"

    def sealed(self, kind: str, value: str) -> str:
        """Return `hmac-sha256:<64 hex>` of a secret value, for fingerprints; the kind does not enter."""
        del kind
        return f"hmac-sha256:{self._key.digest(b'sealed', value)}"

    def is_genuine(self, text: str) -> bool:
        """Tell whether the whole text is one placeholder made with a known key."""
        match = GENUINE.fullmatch(text)
        return match is not None and self._authentic(match)

    def genuine_in(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of each genuine placeholder, in order."""
        if "[masked:" not in text:
            return []
        return [match.span() for match in GENUINE.finditer(text) if self._authentic(match)]

    def forged_in(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of everything that looks like a placeholder and is none, in order."""
        if "[" not in text:
            return []
        return [match.span() for match in LOOKALIKE.finditer(text) if not self.is_genuine(match[0])]

    def _authentic(self, match: re.Match[str]) -> bool:
        # The id and the digits have letters in common: the pattern is greedy, the last 12 are the digits.
        key = self._keys.get(match[1])
        return key is not None and hmac.compare_digest(_check(key, match[2]), match[3])


def _check(key: MaskingKey, digits: str) -> str:
    return key.digest(b"check", f"{key.id}:{digits}")[:CHECK_DIGITS]
