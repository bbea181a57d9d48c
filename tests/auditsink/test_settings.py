"""Wrong settings stop the start and say which, what was found and what is allowed; right ones are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditsink.settings import PREFIX, Settings, WrongSetting, settings_from

TLS = {"TLS_CERTIFICATE": "/tls/tls.crt", "TLS_KEY": "/tls/tls.key"}
LOOPBACK = {"PLAINTEXT": "loopback", "HOST": "127.0.0.1"}


def settings(**values: str) -> Settings:
    """The settings that these variables make."""
    return settings_from({f"{PREFIX}{name}": value for name, value in values.items()})


def test_a_certificate_is_all_that_is_needed() -> None:
    """The rest has a default that is right in a cluster."""
    made = settings(**TLS)
    assert (made.host, made.port, made.kubeconfig, made.database) == ("0.0.0.0", 8444, None, None)
    assert made.keys_path == Path("/var/lib/kubescrow/keys.json")
    assert made.tokens_path == Path("/var/lib/kubescrow/tokens.json")


def test_files_follow_the_data_folder_unless_they_are_named() -> None:
    """So that tokens may come from a mounted Secret."""
    made = settings(**TLS, DATA="/data", TOKENS_FILE="/secret/tokens.json")
    assert (made.keys_path, made.tokens_path) == (Path("/data/keys.json"), Path("/secret/tokens.json"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1"])
def test_plain_http_is_for_this_machine(host: str) -> None:
    """A loopback address, and said by name."""
    assert settings(PLAINTEXT="loopback", HOST=host).plaintext == "loopback"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        pytest.param({}, "TLS_CERTIFICATE: missing; allowed: a PEM file", id="no certificate"),
        pytest.param({"TLS_CERTIFICATE": "/a"}, "TLS_KEY: missing; allowed: a PEM file", id="no key"),
        pytest.param({"PLAINTEXT": "loopback"}, "HOST='0.0.0.0': not allowed with plain HTTP", id="open to all"),
        pytest.param({**LOOPBACK, "HOST": "localhost"}, "HOST='localhost': not allowed", id="a name may mean anything"),
        pytest.param({**LOOPBACK, **TLS}, "PLAINTEXT='loopback': not allowed together with a certificate", id="both"),
        pytest.param({**LOOPBACK, "PLAINTEXT": "yes"}, "PLAINTEXT='yes': not allowed; allowed: text that", id="a word"),
        pytest.param({**TLS, "PORT": "0"}, "PORT='0': not allowed; allowed: a whole number from 1 to 65535", id="port"),
        pytest.param(
            {**TLS, "BODY_LIMIT_MIB": "63"}, "allowed: a whole number from 64 to 1024", id="too small a limit"
        ),
        pytest.param({**TLS, "BODY_LIMIT_MIB": "200"}, "IN_FLIGHT_MIB=128: not allowed", id="no room for one body"),
        pytest.param({**TLS, "LOG_LEVEL": "loud"}, "LOG_LEVEL='loud': not allowed", id="level"),
        pytest.param({**TLS, "DATA": ""}, "DATA='': not allowed; allowed: text that is not empty", id="empty"),
        pytest.param({**TLS, "DATABSE": "x"}, "ESCROW_SINK_DATABSE: unknown setting; allowed: ESCROW_SINK_", id="typo"),
    ],
)
def test_a_wrong_setting_is_told(values: dict[str, str], text: str) -> None:
    """By name, with what is allowed."""
    with pytest.raises(WrongSetting) as wrong:
        settings(**values)
    assert text in str(wrong.value)


def test_every_fault_is_told_at_once() -> None:
    """One line each."""
    with pytest.raises(WrongSetting) as wrong:
        settings(PORT="x", LOG_LEVEL="x", FOO="x")
    assert len(str(wrong.value).splitlines()) == 3
