"""Settings of the webhook, from environment variables `ESCROW_WEBHOOK_*`.

Everything has a default that is right in a cluster. An unknown name or a wrong value stops the start and says
which setting, what was found, and what is allowed.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PREFIX = "ESCROW_WEBHOOK_"


class WrongSetting(ValueError):
    """The environment does not make valid settings. The text lists each fault in a line, for the operator."""


class Settings(BaseModel):
    """Each field is read from `ESCROW_WEBHOOK_<NAME>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    namespace: str = Field("kubescrow", pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")
    """Namespace in which the webhook runs; nobody that a policy names may write there."""

    service: str = Field("kubescrow-webhook", pattern=r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$")
    """Service by which the API server reaches the webhook; also the name of its ServiceAccount."""

    host: str = "0.0.0.0"  # noqa: S104 -- a server in a Pod listens on all of the Pod's addresses
    """Address to listen on."""

    port: int = Field(8443, ge=1, le=65535)
    """Port to listen on."""

    service_port: int | None = Field(None, ge=1, le=65535)
    """Port of the Service; unset = 443."""

    kubeconfig: Path | None = None
    """Kubeconfig to use outside a cluster; unset = the Pod's ServiceAccount."""

    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")
    """Least severe log entry that is written."""

    longest_hold_s: float = Field(20.0, ge=0, le=28)
    """Seconds that one call may be held. The API server gives 30 at most; two are kept to answer."""

    waiting_calls: int = Field(50, ge=1, le=1000)
    """Calls that may wait at once; each occupies a seat of the agents' priority level in the API server."""

    pending_per_agent: int = Field(20, ge=1, le=10_000)
    """Approvals of one agent that may be pending at once."""

    pending_total: int = Field(1000, ge=1, le=100_000)
    """Approvals that may be pending at once."""

    created_per_minute: int = Field(120, ge=1, le=10_000)
    """Approvals that one replica creates in a minute at most."""

    denial_cooldown_s: int = Field(600, ge=0, le=86_400)
    """Seconds after a denial in which the same request is answered with it instead of asking again."""

    retain_for_s: int = Field(7 * 86_400, ge=60, le=365 * 86_400)
    """Seconds that an ended approval is kept."""


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Make settings of the environment.

    Raises:
        WrongSetting: a name is unknown, or a value is not allowed.
    """
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    unknown = sorted(name for name in environment if name.startswith(PREFIX) and name not in known)
    faults = [f"{name}: unknown setting; allowed: {', '.join(sorted(known))}" for name in unknown]
    given = {name: environment.get(f"{PREFIX}{name.upper()}") for name in Settings.model_fields}
    faults += [_fault(name, value) for name, value in given.items() if value == ""]
    values = {name: value for name, value in given.items() if value}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as err:
        faults += [_fault(str(error["loc"][0]), str(error["input"])) for error in err.errors()]
    if faults:
        raise WrongSetting("\n".join(faults))
    return settings


def _fault(name: str, found: str) -> str:
    return f"{PREFIX}{name.upper()}={found!r}: not allowed; allowed: {_allowed(name)}"


def _allowed(name: str) -> str:
    """What the field's own declaration allows, in words."""
    field = Settings.model_fields[name]
    limits = {key: getattr(item, key) for item in field.metadata for key in _LIMITS if hasattr(item, key)}
    if "pattern" in limits:
        return f"text that matches {limits['pattern']}"
    if "le" in limits:
        kind = "a number" if field.annotation is float else "a whole number"
        return f"{kind} from {limits['ge']} to {limits['le']}"
    return "text that is not empty"


_LIMITS = ("ge", "le", "pattern")
