"""Settings of the auditsink, from environment variables `ESCROW_SINK_*`.

Everything but the certificate has a default that is right in a cluster. An unknown name or a wrong value stops the
start and says which setting, what was found, and what is allowed.
"""

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

PREFIX = "ESCROW_SINK_"
LOOPBACK = "loopback"


class WrongSetting(ValueError):
    """The environment does not make valid settings. The text lists each fault in a line, for the operator."""


class Settings(BaseModel):
    """Each field is read from `ESCROW_SINK_<NAME>`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Path = Path("/var/lib/kubescrow")
    """Folder of the database, keys and tokens; made if it is missing, for its owner only."""

    database: str | None = Field(None, min_length=1)
    """URL of the database; unset = SQLite, `auditsink.db` in the data folder."""

    keys_file: Path | None = None
    """Masking key and dedup key; unset = `keys.json` in the data folder. Made at the first start."""

    tokens_file: Path | None = None
    """Hashes of the tokens by which API servers send; unset = `tokens.json` in the data folder."""

    host: str = "0.0.0.0"  # noqa: S104 -- a server in a Pod listens on all of the Pod's addresses
    """Address to listen on."""

    port: int = Field(8444, ge=1, le=65535)
    """Port to listen on."""

    tls_certificate: Path | None = None
    """File with the serving certificate, PEM. Read again when it changes."""

    tls_key: Path | None = None
    """File with its private key, PEM."""

    plaintext: str | None = Field(None, pattern=f"^{LOOPBACK}$")
    """`loopback` = plain HTTP without a certificate; HOST must then be a loopback address."""

    kubeconfig: Path | None = None
    """Kubeconfig by which those who query are checked; unset = the Pod's ServiceAccount, if there is one."""

    body_limit_mib: int = Field(64, ge=64, le=1024)
    """Largest batch. 400 events of one batch fit if they have 160 KiB on average; batches of 40 MB are seen."""

    in_flight_mib: int = Field(128, ge=64, le=8192)
    """Bodies of all requests at one moment, in all: two of the largest, or hundreds of usual ones."""

    log_level: str = Field("info", pattern="^(debug|info|warning|error)$")
    """Least severe log entry that is written."""

    @property
    def keys_path(self) -> Path:
        """Where the keys are."""
        return self.keys_file or self.data / "keys.json"

    @property
    def tokens_path(self) -> Path:
        """Where the hashes of the tokens are."""
        return self.tokens_file or self.data / "tokens.json"


def settings_from(environment: Mapping[str, str]) -> Settings:
    """Make settings of the environment.

    Raises:
        WrongSetting: a name is unknown, a value is not allowed, or two settings do not fit.
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
    else:
        faults += _misfits(settings)
    if faults:
        raise WrongSetting("\n".join(faults))
    return settings


def _misfits(settings: Settings) -> list[str]:
    """Return what is wrong between settings: secrets travel over TLS, or do not leave the machine."""
    faults = []
    if settings.plaintext:
        if settings.tls_certificate or settings.tls_key:
            faults.append(f"{PREFIX}PLAINTEXT={LOOPBACK!r}: not allowed together with a certificate")
        if not _is_loopback(settings.host):
            faults.append(f"{PREFIX}HOST={settings.host!r}: not allowed with plain HTTP; allowed: 127.0.0.1 or ::1")
    else:
        faults += [
            f"{PREFIX}{name.upper()}: missing; allowed: a PEM file, or none with {PREFIX}PLAINTEXT={LOOPBACK}"
            for name in ("tls_certificate", "tls_key")
            if getattr(settings, name) is None
        ]
    if settings.in_flight_mib < settings.body_limit_mib:
        faults.append(f"{PREFIX}IN_FLIGHT_MIB={settings.in_flight_mib}: not allowed; at least {PREFIX}BODY_LIMIT_MIB")
    return faults


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name: what it means is somebody else's to say
        return False


def _fault(name: str, found: str) -> str:
    shown = "" if name == "database" else f"={found!r}"  # a database URL may hold a password
    return f"{PREFIX}{name.upper()}{shown}: not allowed; allowed: {_allowed(name)}"


def _allowed(name: str) -> str:
    """What the field's own declaration allows, in words."""
    field = Settings.model_fields[name]
    limits = {key: getattr(item, key) for item in field.metadata for key in _LIMITS if hasattr(item, key)}
    if "pattern" in limits:
        return f"text that matches {limits['pattern']}"
    if "le" in limits:
        return f"a whole number from {limits['ge']} to {limits['le']}"
    return "text that is not empty"


_LIMITS = ("ge", "le", "pattern")
