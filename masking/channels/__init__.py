"""The leak channels: one file each, one explicit tuple, which checks itself.

A channel knows that *this place* of *this kind* holds a secret. To add one: a file whose name is its id with
underscores, a line in `CHANNELS`, and a case file in `tests/masking/cases/<id>.yaml` with something masked and
something that stays. The first channel that applies and knows the value's form treats it; what none treats is left
to the value rules.
"""

from masking.channels import (
    admission_patches,
    authorization_values,
    command_arguments,
    env_values,
    error_messages,
    exec_arguments,
    last_applied,
    named_fields,
    proxy_queries,
    secret_data,
    token_request,
    webhook_paths,
)
from masking.structure import Channel

CHANNELS: tuple[Channel, ...] = (
    secret_data.CHANNEL,
    last_applied.CHANNEL,
    token_request.CHANNEL,
    exec_arguments.CHANNEL,
    proxy_queries.CHANNEL,
    env_values.CHANNEL,
    command_arguments.CHANNEL,
    authorization_values.CHANNEL,
    webhook_paths.CHANNEL,
    admission_patches.CHANNEL,
    error_messages.CHANNEL,
    named_fields.CHANNEL,
)


def _checked(channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    """Return the channels. Raises ValueError if an id is used twice or is not its file's name, or nothing asks it."""
    seen: set[str] = set()
    for channel in channels:
        module = channel.treat.__module__.rpartition(".")[2]
        if channel.id != module.replace("_", "-"):
            raise ValueError(f"channel {channel.id} is defined in {module}.py; id and file name must agree")
        if channel.id in seen:
            raise ValueError(f"channel {channel.id} is registered twice")
        if channel.fields is None and not channel.kinds:
            raise ValueError(f"channel {channel.id} names neither fields nor kinds; the walk never asks it")
        seen.add(channel.id)
    return channels


AT_FIELDS = tuple(channel for channel in _checked(CHANNELS) if channel.fields is not None)
GUARDED = frozenset(kind for channel in CHANNELS for kind in channel.kinds)
AT_ROOT = {
    kind: tuple(channel for channel in CHANNELS if channel.fields is None and kind in channel.kinds)
    for kind in {kind for channel in CHANNELS if channel.fields is None for kind in channel.kinds}
}
REMEMBERED = 4096  # field names; a cluster's traffic has a few hundred


class Asked:
    """Remembers which channels want to see a field of a name; bounded, and holds no values."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[Channel, ...]] = {}  # to be read; a field that is missing must be asked for

    def channels(self, field: str) -> tuple[Channel, ...]:
        """Return the channels that want to see a field of this name."""
        known = self.known.get(field)
        if known is None:
            known = tuple(channel for channel in AT_FIELDS if channel.fields is not None and channel.fields(field))
            if len(field) <= 64 and len(self.known) < REMEMBERED:
                self.known[field] = known
        return known
