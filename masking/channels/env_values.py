"""Environment variables.

**Rule.** The value of a variable whose name promises a secret (DB_PASSWORD, API_KEY, TOKEN; not PASSWORD_FILE,
MAX_TOKENS). A reference `$(OTHER)` and a switch (true, no) stay. Where a JSON patch names the value only, the name
is unknown: masked.

**Fields.** `env[].value` of containers and of any custom resource with a list so named.

**Source.** https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/
"""

from typing import Any

from masking.arguments import CONTEXT_REFERENCE
from masking.names import is_secret_name
from masking.rules import SWITCHES
from masking.structure import PASS, Channel, Hand, Place

ID = "env-values"


def applies(place: Place) -> bool:
    """Tell whether the place is the value of a variable whose name promises a secret, or is unknown."""
    if len(place.path) < 3 or place.path[-3] != "env":
        return False
    name = place.holder.get("name")
    return not isinstance(name, str) or is_secret_name(name)


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the value as a whole."""
    if isinstance(value, str) and (value.lower() in SWITCHES or CONTEXT_REFERENCE.fullmatch(value)):
        return value
    return PASS if isinstance(value, bool) else hand.secret(value, place, ID)


CHANNEL = Channel(ID, applies, treat, fields=("value",).__contains__)
