"""The sink's keys: one to mask with, one to know an event again by. Made at the first start, never overwritten.

The file is JSON: `{"id": "k3x9", "masking": "<64 hex>", "dedup": "<64 hex>"}`, mode 0600. Whoever has the masking key
can test guesses of secrets against placeholders; whoever loses the dedup key stores retried events twice.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditsink import files
from auditsink.intake.event import Keys
from masking import MaskingKey

ID_CHARACTERS = "abcdefghjkmnpqrstvwxyz23456789"
KEY_BYTES = 32


class KeysBroken(Exception):
    """The file is there and holds no keys; the text says what is wrong and nothing of them."""


def load_or_make(path: Path, *, random: Callable[[int], bytes] = secrets.token_bytes) -> Keys:
    """Return the keys of a file, which is made if it is missing.

    Raises:
        KeysBroken: the file cannot be read or written, or holds something else.
    """
    try:
        if not path.exists():
            files.create(path, json.dumps(_new(random)))  # somebody else may have been quicker: read what is there
        return _parsed(json.loads(path.read_text()))
    except OSError as err:
        raise KeysBroken(f"{path}: {err.strerror}") from err
    except (ValueError, TypeError, KeyError) as err:
        raise KeysBroken(
            f"{path}: allowed: JSON with id, masking and dedup, the keys as 64 hexadecimal digits"
        ) from err


def dedup_check(keys: Keys) -> str:
    """Return what a database remembers of the dedup key, to notice another one."""
    return hashlib.blake2b(b"kubescrow auditsink", key=keys.dedup, digest_size=16).hexdigest()


def _new(random: Callable[[int], bytes]) -> dict[str, str]:
    name = "".join(ID_CHARACTERS[byte % len(ID_CHARACTERS)] for byte in random(4))
    return {"id": name, "masking": random(KEY_BYTES).hex(), "dedup": random(KEY_BYTES).hex()}


def _parsed(value: Any) -> Keys:
    masking, dedup = (_key(value[name]) for name in ("masking", "dedup"))
    return Keys(MaskingKey(id=value["id"], secret=masking), dedup)


def _key(text: str) -> bytes:
    if not re.fullmatch(rf"[0-9a-f]{{{2 * KEY_BYTES}}}", text):
        raise ValueError("not a key")
    return bytes.fromhex(text)
