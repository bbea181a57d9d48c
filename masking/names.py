"""Which names promise a secret value: DB_PASSWORD, apiKey, --client-secret; not PASSWORD_FILE, MAX_TOKENS.

One judgement for variables, flags, query parameters, headers and fields, so that the same name is never a secret in one
place and none in another. It sees the name only.
"""

import re
from functools import lru_cache
from itertools import pairwise

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

# A word that ends like this is a secret, also when glued to another word (PGPASSWORD).
_ENDINGS = ("password", "passwd", "passphrase", "passcode", "secret", "token", "apikey", "credential", "privatekey")
ENDINGS = (*_ENDINGS, *(f"{ending}s" for ending in _ENDINGS))


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORDS = _set(
    "pass pwd pw psw cred creds jwt bearer authorization cookie otp sas secretkey accesskey authkey accountkey"
    " secretaccesskey sharedaccesskey"
)
BEFORE_KEY = _set(  # an api key is a secret, a sort key is none
    "api access secret private encryption signing master account auth shared session hmac client service license"
    " storage webhook app application deploy decryption encrypt root"
)
# The name of a thing about the secret, not of the secret: its place, its age, its shape, its switch.
ABOUT_LAST = _set(
    "file files path paths dir directory folder name names enabled disabled url uri endpoint host port ttl expiry"
    " expiration expires expire duration seconds minutes hours days length size type policy ref reference mount count"
    " limit limits timeout interval algorithm alg format version issuer audience audiences header prefix suffix"
    " rotation required provider class store namespace username user id ids stdin env server service location source"
    " mode encryption validation review reviews hash rounds template regex pattern selector label budget usage"
)
ABOUT_FIRST = _set(
    "max min num number total use enable disable is has require requires required allow show rotate automount count"
    " no skip without"
)
ABOUT_ANYWHERE = _set("per public")
LONGEST = 256  # characters; the longest names in use are environment variables of about 80


@lru_cache(4096)  # a cluster uses a few hundred names, each a thousand times a minute
def is_secret_name(name: str) -> bool:
    """Tell whether a value of this name is a secret."""
    if len(name) > LONGEST:
        return False
    words = [word.lower() for word in WORD.findall(name)]
    if not words:
        return False
    if words[-1] == "id" and words[-2:-1] == ["secret"]:  # the secret half of a Vault AppRole
        return True
    if words[-1] in ABOUT_LAST or words[0] in ABOUT_FIRST or not ABOUT_ANYWHERE.isdisjoint(words):
        return False
    return _promises(words)


def _promises(words: list[str]) -> bool:
    if any(word in WORDS or word.endswith(ENDINGS) for word in words):
        return True
    return any(first in BEFORE_KEY and second == "key" for first, second in pairwise(words))
