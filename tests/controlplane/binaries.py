"""The programs of the control plane: taken from `KUBEBUILDER_ASSETS`, else built once from their Go modules.

`go.mod` beside this file pins the versions. The result is cached outside the checkout, keyed by everything
that decides it. `python -m tests.controlplane.binaries` builds and prints the folders. It starts none of them.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.controlplane.toolchain import go_program

MODULE = Path(__file__).parent
PACKAGES = {  # program -> Go package; the quick ones first, so that a broken set-up shows early
    "etcd": "go.etcd.io/etcd/server/v3",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
}
# Our own program beside this file: Kubernetes' judge of Pods, from the same modules.
POD_SECURITY = "pod-security"
SOURCES = {POD_SECURITY: "./podsecurity"}
# Every folder that a KUBEBUILDER_ASSETS has; setup-envtest brings no kube-controller-manager.
ASSETS = ("kube-apiserver", "etcd", "kubectl")
PROGRESS_S = 15.0  # a line so often when nobody watches a terminal


class BinariesError(RuntimeError):
    """The programs can neither be found nor built; the message says what to mend."""


@dataclass(frozen=True)
class Binaries:
    """The four programs, and the version of Kubernetes such as `v1.37.2`."""

    kube_apiserver: Path
    kube_controller_manager: Path
    kubectl: Path
    etcd: Path
    version: str


def binaries() -> Binaries:
    """Return the programs, after building them (about 6 minutes on 2 cores) if this machine never did.

    Raises BinariesError when `KUBEBUILDER_ASSETS` names a folder that lacks one, or when the build fails.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if not assets:
        return _of(dict.fromkeys(PACKAGES, _built(tuple(PACKAGES))), pinned_version())
    folder = Path(assets)
    for name in ASSETS:
        if not (folder / name).is_file():
            raise BinariesError(f"KUBEBUILDER_ASSETS={folder} holds no {name}; put it there or unset the variable")
    manager = "kube-controller-manager"
    manager_folder = folder if (folder / manager).is_file() else _built((manager,))
    return _of({**dict.fromkeys(ASSETS, folder), manager: manager_folder}, _version_of(folder / "kube-apiserver"))


def pod_security() -> Path:
    """Return Kubernetes' own judge of Pods (see podsecurity/main.go), after building it if this machine never did.

    Raises BinariesError when the build fails.
    """
    return _built((POD_SECURITY,)) / POD_SECURITY


def pinned_version() -> str:
    """Return the version of Kubernetes in go.mod, such as `v1.37.2`."""
    return _required(r"^\s*k8s\.io/kubernetes (v\S+)")[1]


def _of(folders: dict[str, Path], version: str) -> Binaries:
    at = {name: folder / name for name, folder in folders.items()}
    return Binaries(at["kube-apiserver"], at["kube-controller-manager"], at["kubectl"], at["etcd"], version=version)


def _version_of(apiserver: Path) -> str:
    done = subprocess.run([apiserver, "--version"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BinariesError(f"{apiserver} --version failed: {done.stderr.strip()}")
    return done.stdout.split()[-1]


def _required(pattern: str) -> re.Match[str]:
    match = re.search(pattern, (MODULE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise BinariesError(f"{MODULE / 'go.mod'} has no line like {pattern}")
    return match


def _flags() -> list[str]:
    """Return the flags of `go build`; without the versions kubectl and helm would see v0.0.0."""
    version = pinned_version()
    major, minor, _ = version.removeprefix("v").split(".")
    facts = {
        "gitVersion": version,
        "gitMajor": major,
        "gitMinor": minor,
        "gitCommit": "unknown",  # a published module does not tell it
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",  # fixed: the same inputs give the same programs
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    stamps = [f"-X {package}.{name}={value}" for package in packages for name, value in facts.items()]
    return ["-trimpath", "-buildvcs=false", "-ldflags", " ".join(["-s", "-w", *stamps])]


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "kubescrow"


def _built(programs: Sequence[str]) -> Path:
    """Return the folder with `programs`, built by this or an earlier run."""
    recipe = "\n".join([*_flags(), *(f"{name}={_package(name)}" for name in programs)])
    content = (MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes() + recipe.encode()
    for name in SOURCES.keys() & programs:
        content += b"".join(source.read_bytes() for source in sorted((MODULE / SOURCES[name]).glob("*.go")))
    folder = _cache() / f"controlplane-{hashlib.sha256(content).hexdigest()[:16]}"
    if folder.is_dir():
        return folder
    with _lock(folder.with_suffix(".lock")):
        if not folder.is_dir():  # else another process has built it while we waited
            _build(programs, folder)
    return folder


def _package(program: str) -> str:
    return PACKAGES.get(program) or SOURCES[program]


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process builds it; waiting for that")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(programs: Sequence[str], folder: Path) -> None:
    major, minor = map(int, _required(r"^go (\d+\.\d+)")[1].split("."))
    go = go_program(at_least=(major, minor), cache=folder.parent)
    _say(f"building {', '.join(programs)} ({pinned_version()}), once, with {go}; at most 6 minutes on 2 cores")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        result = Path(temporary) / "programs"
        for number, name in enumerate(programs, start=1):
            step = f"building {name} ({number} of {len(programs)})"
            _go_build(go, _package(name), result / name, log=Path(temporary) / "log", step=step)
        result.rename(folder)
    _say(f"built in {time.monotonic() - started:.0f} s")


def _go_build(go: Path, package: str, target: Path, *, log: Path, step: str) -> None:
    environment = os.environ | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": ""}
    command: list[str | Path] = [go, "build", *_flags(), "-o", target, package]
    with (
        log.open("w") as output,
        subprocess.Popen(command, cwd=MODULE, env=environment, stdout=output, stderr=subprocess.STDOUT) as process,
    ):
        try:
            _watch(process, step)
        finally:
            process.kill()
    if process.returncode != 0:
        tail = "\n".join(log.read_text().splitlines()[-20:])
        raise BinariesError(f"go build {package} failed with exit code {process.returncode}:\n{tail}")


def _watch(process: subprocess.Popen[bytes], step: str) -> None:
    """Report `step` until `process` ends: each second on a terminal, a line now and then elsewhere."""
    started = time.monotonic()
    terminal = sys.stderr.isatty()
    while True:
        _say(f"{step}, {time.monotonic() - started:.0f} s", end="\r" if terminal else "\n")
        try:
            process.wait(timeout=1 if terminal else PROGRESS_S)
        except subprocess.TimeoutExpired:
            continue
        if terminal:
            _say(f"{step}, {time.monotonic() - started:.0f} s")
        return


def _say(text: str, end: str = "\n") -> None:
    print(f"control plane: {text}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        print(binaries().kube_apiserver.parent, pod_security().parent, sep="\n")
    except RuntimeError as err:
        sys.exit(f"control plane: {err}")
