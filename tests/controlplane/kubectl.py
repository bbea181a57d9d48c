"""The built kubectl with one identity, and the same identity for raw requests.

Nothing of the machine reaches it: no HOME, no KUBECONFIG, no proxy. It grants no rights.
"""

from __future__ import annotations

import json
import os
import shlex
import ssl
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.controlplane.certificates import Pair, write_private
from tests.controlplane.configuration import kubeconfig
from tests.controlplane.connection import Connection
from tests.controlplane.processes import kill, popen


@dataclass(frozen=True)
class Result:
    """What a kubectl that has ended left behind."""

    command: str
    returncode: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        return f"$ {self.command}\nexit code {self.returncode}\n{self.stdout}{self.stderr}"


@dataclass(frozen=True)
class Cluster:
    """Where all identities go, and where their files lie."""

    program: Path
    folder: Path
    url: str
    ca_pem: str
    started: list[Started]  # every kubectl in the background, so that the control plane can end them


class Started:
    """A kubectl that runs in the background."""

    def __init__(self, kubectl: Kubectl, args: tuple[str, ...], stdin: str | None) -> None:
        self.command = kubectl.typed(*args)
        output = Path(tempfile.mkdtemp(dir=kubectl.kubeconfig.parent, prefix="started-"))
        self._stdout, self._stderr, typed = output / "stdout", output / "stderr", output / "stdin"
        typed.write_text(stdin or "")
        with self._stdout.open("wb") as out, self._stderr.open("wb") as err, typed.open("rb") as text:
            command: list[str | Path] = [kubectl.program, *args]
            self._process = popen(command, environment=kubectl.environment, stdin=text, stdout=out, stderr=err)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def so_far(self) -> tuple[str, str]:
        """Return what it has written to stdout and stderr until now."""
        return self._stdout.read_text(), self._stderr.read_text()

    def wait(self, timeout_s: float = 60) -> Result:
        """Wait until it ends; AssertionError, with what it wrote so far, if it does not."""
        try:
            code = self._process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired as err:
            raise AssertionError(_not_ended(self.command, timeout_s, *self.so_far())) from err
        return Result(self.command, code, *self.so_far())

    def kill(self) -> None:
        """End it at once."""
        kill(self._process)


class Kubectl:
    """kubectl as one user: by client certificate (`pair`) or bearer token."""

    def __init__(self, cluster: Cluster, name: str, *, pair: Pair | None = None, token: str | None = None) -> None:
        self._cluster = cluster
        self.program = cluster.program
        self.token = token
        folder = Path(tempfile.mkdtemp(dir=cluster.folder, prefix=f"{name}-"))
        self.kubeconfig = folder / "kubeconfig"
        config = kubeconfig(cluster.url, ca_pem=cluster.ca_pem, pair=pair, token=token)
        write_private(self.kubeconfig, yaml.safe_dump(config, sort_keys=False))
        self.environment: Mapping[str, str] = {
            "HOME": str(cluster.folder),  # the discovery cache below it is shared by all identities
            "KUBECONFIG": str(self.kubeconfig),
            "PATH": os.environ.get("PATH", os.defpath),
        }
        self._tls = ssl.create_default_context(cadata=cluster.ca_pem)
        if pair is not None:
            self._tls.load_cert_chain(*pair.write(folder, "client"))

    def typed(self, *args: str) -> str:
        """Return the command as a person would type it."""
        return shlex.join(["kubectl", *args])

    def run(self, *args: str, stdin: str | None = None, timeout_s: float = 60) -> Result:
        """Run it to its end, however it ends; AssertionError only after `timeout_s`."""
        try:
            done = subprocess.run(
                [self.program, *args],
                env=self.environment,
                input=stdin or "",
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as err:
            raise AssertionError(_not_ended(self.typed(*args), timeout_s, err.stdout, err.stderr)) from err
        return Result(self.typed(*args), done.returncode, done.stdout, done.stderr)

    def ok(self, *args: str, stdin: str | None = None, timeout_s: float = 60) -> str:
        """Run it, and return stdout; AssertionError with everything it said unless it succeeds."""
        result = self.run(*args, stdin=stdin, timeout_s=timeout_s)
        if result.returncode != 0:
            raise AssertionError(f"should have succeeded:\n{result}")
        return result.stdout

    def fails(self, *args: str, stdin: str | None = None, timeout_s: float = 60) -> str:
        """Run it, and return stderr; AssertionError if it succeeds."""
        result = self.run(*args, stdin=stdin, timeout_s=timeout_s)
        if result.returncode == 0:
            raise AssertionError(f"should have failed:\n{result}")
        return result.stderr

    def json(self, *args: str, stdin: str | None = None, timeout_s: float = 60) -> dict[str, Any]:
        """Run it with `-o json`, and return the object."""
        parsed: dict[str, Any] = json.loads(self.ok(*args, "-o", "json", stdin=stdin, timeout_s=timeout_s))
        return parsed

    def apply(self, text: str) -> str:
        """Apply manifests in YAML, and return what kubectl said."""
        return self.ok("apply", "-f", "-", stdin=text)

    def start(self, *args: str, stdin: str | None = None) -> Started:
        """Start it in the background, for a command that waits."""
        started = Started(self, args, stdin)
        self._cluster.started.append(started)
        return started

    def request(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send one HTTPS request, for what kubectl does not do; see `Connection.request`."""
        with self.connect() as connection:
            return connection.request(method, path, body, headers)

    def connect(self) -> Connection:
        """Return a connection as this user, for many requests; close it."""
        return Connection(urlsplit(self._cluster.url).netloc, self._tls, self.token)


def _not_ended(command: str, timeout_s: float, stdout: object, stderr: object) -> str:
    texts = [each.decode(errors="replace") if isinstance(each, bytes) else each for each in (stdout, stderr)]
    return f"$ {command}\nhas not ended after {timeout_s:g} s; so far:\n{texts[0] or ''}{texts[1] or ''}"
