"""Commands as they are typed: in this process, where that is enough, or as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from kubescrow.__main__ import app

PROGRAM = Path(sys.executable).parent / "kubescrow"


def kubescrow(*args: str, stdin: str | bytes = "", environment: Mapping[str, str] | None = None) -> Result:
    """Run a command; nothing of this process's own KUBESCROW_* reaches it."""
    clean = {name: None for name in os.environ if name.startswith("KUBESCROW_")}
    return CliRunner().invoke(app, args, input=stdin, env={**clean, **(environment or {})})


def printed(*args: str, **more: Any) -> str:
    """Run a command that is fine, and return what it printed."""
    result = kubescrow(*args, **more)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def parsed(*args: str, **more: Any) -> Any:
    """Run a command that prints one JSON document, and return that."""
    return json.loads(printed(*args, **more))


def refused(*args: str, **more: Any) -> str:
    """Run a command that is wrong use, and return the line that says why."""
    result = kubescrow(*args, **more)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    *usage, line = result.stderr.splitlines()
    assert not usage or usage[0].startswith("Usage: "), result.stderr
    return line


def start(*args: str) -> subprocess.Popen[str]:
    """Start the installed program, with pipes to all three streams; Ctrl-C reaches it as in a terminal."""
    pipe = subprocess.PIPE
    environment = {"PATH": os.defpath}
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background ignores it
    try:
        return subprocess.Popen([PROGRAM, *args], stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)
    finally:
        signal.signal(signal.SIGINT, before)
