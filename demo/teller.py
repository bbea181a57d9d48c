"""Tells the story: prints each command as it is typed with its real output, and checks what was seen."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence

from tests.controlplane.kubectl import Kubectl, Result, Started
from tests.controlplane.waiting import wait_until

COLOURS = {"admin": 34, "agent": 35, "alice": 32, "auditor": 36}
WIDTH = 100


class NotAsTold(Exception):
    """A step did not show what it must; the text says which and what was seen instead."""


class Teller:
    """Numbers the steps, prints, and remembers everything that it printed. Colours only on a terminal.

    `hidden` maps secret values to what is typed instead of them, as a shell variable would be.
    """

    def __init__(self, hidden: Mapping[str, str]) -> None:
        self.told = ""
        self._hidden = hidden
        self._step = 0
        self._colours = sys.stdout.isatty()

    def step(self, title: str) -> None:
        """Begin a step."""
        self._step += 1
        self.print(f"\n{self._paint(1, f'{self._step}. {title}')}")

    def say(self, text: str) -> None:
        """Print prose."""
        self.print(textwrap.fill(text, WIDTH, initial_indent="   ", subsequent_indent="   "))

    def show(self, text: str) -> None:
        """Print a document."""
        self.print(textwrap.indent(text.rstrip(), "   "))

    def run(self, who: str, kubectl: Kubectl, *args: str, exit_code: int = 0, shows: str) -> str:
        """Run a command as `who`; it must end with `exit_code` and its output match the pattern `shows`."""
        self._prompt(who, kubectl.typed(*args))
        return self._check(kubectl.run(*args), exit_code, shows)

    def start(self, who: str, kubectl: Kubectl, *args: str) -> Started:
        """Start a command that waits."""
        self._prompt(who, f"{kubectl.typed(*args)} &")
        return kubectl.start(*args)

    def finish(self, who: str, started: Started, *, shows: str, timeout_s: float = 60) -> str:
        """Wait until a started command ends by itself, well."""
        self.say(f"({who}'s command, started above, ends by itself:)")
        return self._check(started.wait(timeout_s), 0, shows)

    def eventually(self, who: str, kubectl: Kubectl, *args: str, shows: str) -> str:
        """Run a command again until its output matches `shows`; print the last run only."""

        def seen() -> Result | None:
            result = kubectl.run(*args)
            return result if result.returncode == 0 and re.search(shows, result.stdout) else None

        result = wait_until(seen, what=f"kubectl {' '.join(args)} shows {shows}", timeout_s=20, poll_s=0.2)
        assert result is not None
        self._prompt(who, kubectl.typed(*args))
        return self._check(result, 0, shows)

    def kubescrow(self, who: str, *args: str, environment: Mapping[str, str], shows: str) -> str:
        """Run our own command line; its output must match the pattern `shows`."""
        self._prompt(who, f"kubescrow {' '.join(args)}")
        return self._check(kubescrow(args, environment), 0, shows)

    def print(self, text: str) -> None:
        """Print, and remember."""
        self.told += f"{text}\n"
        print(text, flush=True)

    def _check(self, result: Result, exit_code: int, shows: str) -> str:
        output = result.stdout + result.stderr
        self.show(output)
        if result.returncode != exit_code or not re.search(shows, output):
            raise NotAsTold(f"step {self._step}: expected exit code {exit_code} and {shows!r}, saw:\n{result}")
        return output

    def _prompt(self, who: str, typed: str) -> None:
        for value, name in self._hidden.items():
            typed = typed.replace(value, name)
        self.print(f"   {self._paint(COLOURS[who], who)}$ {typed}")

    def _paint(self, colour: int, text: str) -> str:
        return f"\033[{colour}m{text}\033[0m" if self._colours else text


def kubescrow(args: Sequence[str], environment: Mapping[str, str]) -> Result:
    """Run our own command line to its end."""
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-m", "kubescrow", *args],
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Result(f"kubescrow {' '.join(args)}", done.returncode, done.stdout, done.stderr)
