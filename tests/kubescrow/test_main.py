"""The command line as a whole: it is installed under both names, and says what there is."""

from __future__ import annotations

import os
import re
import subprocess
from importlib.metadata import entry_points, version

import pytest

from tests.controlplane.binaries import binaries
from tests.kubescrow.typed import PROGRAM, kubescrow, printed, refused

COMMANDS = {"webhook", "version", "mask", "auditsink", "sessions", "policy", "approvals", "agents"}


def test_version() -> None:
    """That of the installed package, alone."""
    assert printed("version") == f"{version('kubescrow')}\n"


def listed(*command: str) -> set[str]:
    """The commands that --help lists."""
    text = printed(*command, "--help").partition("Commands:")[2]
    return set(re.findall(r"^  (\S+)  ", text, re.MULTILINE))


def test_help_lists_every_command() -> None:
    """Of the program and of its groups."""
    assert listed() == COMMANDS
    assert listed("sessions") == {"list", "show", "play"}
    assert listed("auditsink") == {"run", "token"}
    assert listed("policy") == {"check", "lint"}
    assert listed("approvals") == {"list", "show", "approve", "deny", "revoke", "watch"}
    assert listed("agents") == {"create", "token", "list", "lock", "unlock"}


@pytest.mark.parametrize("command", [[], ["sessions"], ["auditsink"], ["policy"], ["approvals"], ["agents"]])
def test_a_group_alone_shows_its_help(command: list[str]) -> None:
    """Which is wrong use."""
    result = kubescrow(*command)
    assert result.exit_code == 2
    assert "Commands:" in result.output


def test_a_command_that_is_none_is_told() -> None:
    """In one line under the usage."""
    assert refused("sesions").startswith("Error: No such command 'sesions'.")


def test_the_program_has_both_names() -> None:
    """`kubescrow`, and the name by which kubectl finds it."""
    ours = {script.name: script.value for script in entry_points(group="console_scripts") if script.dist is not None
            and script.dist.name == "kubescrow"}  # fmt: skip
    assert ours == {"kubescrow": "kubescrow.__main__:app", "kubectl-escrow": "kubescrow.__main__:app"}


def test_kubectl_finds_it_as_a_plugin() -> None:
    """`kubectl escrow ...` is the same program, with its output and its exit codes."""
    path = os.pathsep.join([str(PROGRAM.parent), os.defpath])

    def kubectl(*args: str) -> tuple[int, str]:
        command = [str(binaries().kubectl), *args]
        done = subprocess.run(command, env={"PATH": path}, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout + done.stderr

    assert kubectl("escrow", "version") == (0, f"{version('kubescrow')}\n")
    code, told = kubectl("escrow", "sessions", "list", "-o", "yaml")
    assert (code, told) == (2, "--output yaml: allowed: text, json\n")
    assert str(PROGRAM.with_name("kubectl-escrow")) in kubectl("plugin", "list")[1]
