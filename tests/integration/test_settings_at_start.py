"""The real process with wrong settings, or without a cluster: it ends at once and says why in plain lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.controlplane.controlplane import ControlPlane
from tests.installation import NAMESPACE, ROOT, SERVICE, Installation


def start(**settings: str) -> tuple[int, list[str]]:
    """Start the webhook with these settings, without their prefix; return exit code and lines."""
    environment = {f"ESCROW_WEBHOOK_{name}": value for name, value in settings.items()}
    ended = subprocess.run(
        [sys.executable, "-m", "webhook"],
        env={"PATH": os.environ.get("PATH", os.defpath), **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr.splitlines()


def test_an_unknown_setting_is_named_with_all_known_ones() -> None:
    """A misspelt limit is not silently its default."""
    code, (line,) = start(WAITNG_CALLS="5")
    assert code == 2
    assert line.startswith("ESCROW_WEBHOOK_WAITNG_CALLS: unknown setting; allowed: ")
    assert "ESCROW_WEBHOOK_WAITING_CALLS" in line


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PORT", "99999", "a whole number from 1 to 65535"),
        ("PORT", "https", "a whole number from 1 to 65535"),
        ("LONGEST_HOLD_S", "29", "a number from 0 to 28"),
        ("WAITING_CALLS", "", "a whole number from 1 to 1000"),
        ("NAMESPACE", "Kube_Scrow", "text that matches ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"),
        ("LOG_LEVEL", "verbose", "text that matches ^(debug|info|warning|error)$"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    """Setting, value and range, in one line."""
    said = f"ESCROW_WEBHOOK_{name}={value!r}: not allowed; allowed: {allowed}"
    assert start(**{name: value}) == (2, [said])


def test_all_faults_are_told_at_once() -> None:
    """One line each, so that an operator mends them in one go."""
    code, lines = start(PORT="0", RETAIN_FOR_S="1", NO_SUCH="x")
    assert code == 2
    assert [line.split(":")[0].split("=")[0] for line in lines] == [
        "ESCROW_WEBHOOK_NO_SUCH",
        "ESCROW_WEBHOOK_PORT",
        "ESCROW_WEBHOOK_RETAIN_FOR_S",
    ]


def config(folder: Path, **changes: object) -> str:
    """Write a kubeconfig with some parts exchanged, and return its path."""
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump({**whole, **changes}))
    return str(path)


def test_a_missing_kubeconfig_is_named(tmp_path: Path) -> None:
    """The path is in the line."""
    code, lines = start(KUBECONFIG=str(tmp_path / "nowhere"))
    assert code == 1
    assert lines[-1].startswith(f"no access to a cluster by kubeconfig {tmp_path / 'nowhere'}: ")


def test_a_kubeconfig_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    """Its current context does not exist."""
    path = config(tmp_path, **{"current-context": "y"})
    code, lines = start(KUBECONFIG=path)
    assert code == 1
    assert lines[-1].startswith(f"no access to a cluster by kubeconfig {path}: ")


def test_outside_of_a_cluster_and_without_a_kubeconfig_it_does_not_start() -> None:
    """It says what it looked for."""
    code, (line,) = start()
    assert code == 1
    assert line.startswith("no access to a cluster by this Pod's ServiceAccount: ")


def test_without_an_api_server_it_says_so(tmp_path: Path) -> None:
    """The first thing that is read is named, and that nobody answered."""
    code, (line,) = start(KUBECONFIG=config(tmp_path))
    assert code == 1
    assert "/api/v1/namespaces/kubescrow/secrets/kubescrow-keys: no connection" in line


def test_without_permissions_it_says_so(controlplane: ControlPlane) -> None:
    """An account without our roles is told which request was forbidden, without the object's content."""
    nobody = controlplane.service_account("starting", "nobody")
    code, (line,) = start(KUBECONFIG=str(nobody.kubeconfig))
    assert code == 1
    assert "/api/v1/namespaces/kubescrow/secrets/kubescrow-keys: 403 Forbidden" in line


@pytest.mark.parametrize(
    "content", ["{", "[]", "a: b", "\0\0", None], ids=["torn", "a list", "other", "binary", "a folder"]
)
def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    """One line, whatever the file holds."""
    path = tmp_path / "kubeconfig"
    path.mkdir() if content is None else path.write_text(content)
    code, lines = start(KUBECONFIG=str(path))
    assert (code, lines[-1].startswith(f"no access to a cluster by kubeconfig {path}: ")) == (1, True), lines


def test_a_port_that_is_taken_is_named(kubescrow: Installation) -> None:
    """The second server on one port says so and ends."""
    account = kubescrow.cluster.service_account(NAMESPACE, SERVICE)
    code, lines = start(KUBECONFIG=str(account.kubeconfig), HOST="127.0.0.1", PORT=str(kubescrow.port))
    assert (code, lines[-1].lower()) == (1, f"cannot listen on 127.0.0.1:{kubescrow.port}: address already in use")
