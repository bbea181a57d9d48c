"""Starts servers that cannot outlive the tests, and stops them.

Each runs in a process group of its own, so that Ctrl-C in a terminal reaches Python alone, which then stops
them in order. It knows nothing of Kubernetes: a webhook under test can be started by it as well.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import IO

TIED = Path(__file__).with_name("tied.py")
# The kernel watches the thread that starts a process, so all are started by one that lives as long as Python.
STARTER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="starts-processes")
LOG_LINES = 25  # the end of the log in an error: enough for a Go panic's first goroutine


class ProcessFailedError(RuntimeError):
    """A server ended by itself; the message names it and shows the end of its log."""


def popen(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    stdout: IO[bytes],
    stderr: IO[bytes] | int,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start `command` (an absolute path first) so that it dies with this process."""
    tied = [sys.executable, "-I", "-S", TIED, str(os.getpid()), *command]
    return STARTER.submit(
        subprocess.Popen,
        tied,
        env=dict(environment),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    ).result()


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the process group of `process` and wait until the process is gone."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


class Server:
    """One running program with a log file; stopped by SIGKILL, as a polite kube-apiserver takes a minute."""

    def __init__(self, name: str, command: Sequence[str | Path], *, log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self._process = popen(command, environment=environment, stdout=output, stderr=subprocess.STDOUT)

    @property
    def pid(self) -> int:
        """The process id, which is the id of its process group too."""
        return self._process.pid

    def check(self) -> None:
        """Raise ProcessFailedError if the server has ended."""
        code = self._process.poll()
        if code is not None:
            raise ProcessFailedError(f"{self.name} ended with exit code {code}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-LOG_LINES:])

    def stop(self) -> None:
        """Kill it and everything it started."""
        kill(self._process)
