"""Wrong settings stop the start and say which, what was found and what is allowed; right ones are used."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webhook.settings import PREFIX, Settings, WrongSetting, settings_from


def with_setting(name: str, value: str) -> Settings:
    """The settings that one variable makes."""
    return settings_from({f"{PREFIX}{name}": value})


def test_everything_has_a_default() -> None:
    """An empty environment is right in a cluster, and variables of others are none of our business."""
    settings = settings_from({"PATH": "/bin", "ESCROW_AUDITSINK_PORT": "x", "escrow_webhook_port": "1"})
    assert settings == settings_from({})
    assert (settings.namespace, settings.port, settings.kubeconfig) == ("kubescrow", 8443, None)


BOUNDS = [
    ("PORT", 1, 65535),
    ("SERVICE_PORT", 1, 65535),
    ("LONGEST_HOLD_S", 0, 28),
    ("WAITING_CALLS", 1, 1000),
    ("PENDING_PER_AGENT", 1, 10_000),
    ("PENDING_TOTAL", 1, 100_000),
    ("CREATED_PER_MINUTE", 1, 10_000),
    ("DENIAL_COOLDOWN_S", 0, 86_400),
    ("RETAIN_FOR_S", 60, 31_536_000),
]
BOUND_IDS = [f"{name} lies between {low} and {high}" for name, low, high in BOUNDS]


@pytest.mark.parametrize(("name", "low", "high"), BOUNDS, ids=BOUND_IDS)
def test_both_bounds_are_allowed(name: str, low: int, high: int) -> None:
    """A bound itself is a right value."""
    for value in (low, high):
        assert getattr(with_setting(name, str(value)), name.lower()) == value


@pytest.mark.parametrize(("name", "low", "high"), BOUNDS, ids=BOUND_IDS)
def test_beyond_a_bound_the_whole_range_is_told(name: str, low: int, high: int) -> None:
    """Setting, value and both bounds are in the text; so they are for what is no number."""
    for value in (str(low - 1), str(high + 1), "many", "nan", "inf", "-inf", "", " ", "1,5"):
        with pytest.raises(WrongSetting) as wrong:
            with_setting(name, value)
        kind = "a number" if name == "LONGEST_HOLD_S" else "a whole number"
        assert str(wrong.value) == f"{PREFIX}{name}={value!r}: not allowed; allowed: {kind} from {low} to {high}"


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        pytest.param("NAMESPACE", "Kube", "text that matches ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", id="capitals"),
        pytest.param("NAMESPACE", "a\n", "text that matches ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", id="a line break"),
        pytest.param("NAMESPACE", "a" * 64, "text that matches ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", id="too long"),
        pytest.param("SERVICE", "1st", "text that matches ^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", id="a digit first"),
        pytest.param("LOG_LEVEL", "INFO", "text that matches ^(debug|info|warning|error)$", id="a level in capitals"),
        pytest.param("LOG_LEVEL", "trace", "text that matches ^(debug|info|warning|error)$", id="an unknown level"),
        pytest.param("HOST", "", "text that is not empty", id="no address"),
        pytest.param("KUBECONFIG", "", "text that is not empty", id="no path"),
    ],
)
def test_wrong_text_is_told_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    """A pattern is told as it is; nothing is never a value."""
    with pytest.raises(WrongSetting) as wrong:
        with_setting(name, value)
    assert str(wrong.value) == f"{PREFIX}{name}={value!r}: not allowed; allowed: {allowed}"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("NAMESPACE", "escrow-2", "escrow-2", id="a namespace"),
        pytest.param("SERVICE", "hook", "hook", id="a Service"),
        pytest.param("HOST", "127.0.0.1", "127.0.0.1", id="an address"),
        pytest.param("KUBECONFIG", "/etc/kube/config", Path("/etc/kube/config"), id="a path"),
        pytest.param("LOG_LEVEL", "debug", "debug", id="a level"),
        pytest.param("LONGEST_HOLD_S", "0.5", 0.5, id="half a second"),
    ],
)
def test_right_values_are_used(name: str, value: str, expected: object) -> None:
    """A value arrives as what it means."""
    assert getattr(with_setting(name, value), name.lower()) == expected


def test_an_unknown_name_is_told_with_all_known_ones() -> None:
    """A typing error cannot leave a limit at its default unseen."""
    with pytest.raises(WrongSetting) as wrong:
        with_setting("PROT", "1")
    text = str(wrong.value)
    assert text.startswith(f"{PREFIX}PROT: unknown setting; allowed: ")
    assert all(f"{PREFIX}{name.upper()}" in text for name in Settings.model_fields)


def test_all_faults_are_told_at_once() -> None:
    """Each fault has its own line, so that one start shows them all."""
    with pytest.raises(WrongSetting) as wrong:
        settings_from({f"{PREFIX}PORT": "0", f"{PREFIX}X": "", f"{PREFIX}HOST": "", f"{PREFIX}LOG_LEVEL": "loud"})
    assert [line.split(":")[0].split("=")[0].removeprefix(PREFIX) for line in str(wrong.value).splitlines()] == [
        "X",
        "HOST",
        "PORT",
        "LOG_LEVEL",
    ]


@given(st.sampled_from(sorted(Settings.model_fields)), st.text())
def test_any_value_is_used_or_told(name: str, value: str) -> None:
    """No text makes anything but settings or one line for each fault."""
    try:
        text = repr(with_setting(name.upper(), value))
    except WrongSetting as wrong:
        text = str(wrong)
    assert len(text.splitlines()) == 1
