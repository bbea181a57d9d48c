"""The cluster that a command works on: the current kubeconfig and context, as kubectl finds them.

What fails is told in one line that says what is missing, never with a traceback, a token or the text of an exception.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from kubescrow.refusal import wrong_use

if TYPE_CHECKING:  # the client takes two seconds to load, which `--help` need not wait for
    from webhook.cluster.client import Cluster

T = TypeVar("T")

Kubeconfig = Annotated[
    Path | None, typer.Option("--kubeconfig", metavar="FILE", help="As for kubectl: else KUBECONFIG, ~/.kube/config.")
]
Context = Annotated[str, typer.Option("--context", help="Context of the kubeconfig; left out: the current one.")]
Output = Annotated[str, typer.Option("--output", "-o", help="text or json.")]


@dataclass(frozen=True, slots=True)
class Access:
    """Which cluster, as whom: the options of every command that works on one."""

    kubeconfig: Path | None
    context: str

    def work(self, work: "Callable[[Cluster], Awaitable[T]]", *, role: str) -> T:
        """Connect, do the work, and return what it returns. `role` is the ClusterRole that suffices for it.

        Raises:
            Exit: the cluster cannot be reached or refuses; the line on standard error says why.
        """
        from kubescrow.saying import said  # noqa: PLC0415 -- see above
        from webhook.cluster.errors import ClusterError  # noqa: PLC0415 -- see above

        try:
            return asyncio.run(_with_cluster(work, self))
        except ClusterError as err:
            raise wrong_use(said(err, role=role)) from err


def checked(output: str) -> bool:
    """Say whether JSON is wanted.

    Raises:
        Exit: it is neither text nor json.
    """
    if output not in {"text", "json"}:
        raise wrong_use(f"--output {output}: allowed: text, json")
    return output == "json"


async def _with_cluster(work: "Callable[[Cluster], Awaitable[T]]", access: Access) -> T:
    from webhook.cluster.client import Cluster  # noqa: PLC0415 -- see above

    agent = f"kubescrow/{version('kubescrow')}"
    cluster = await Cluster.connect(_found(access.kubeconfig), context=access.context, user_agent=agent)
    try:
        return await work(cluster)
    finally:
        await cluster.close()


def _found(kubeconfig: Path | None) -> Path | None:
    """The kubeconfig that kubectl would take; None = the Pod that this runs in, if it runs in one.

    Raises:
        Exit: there is no such file.
    """
    named = str(kubeconfig) if kubeconfig is not None else os.environ.get("KUBECONFIG", "")
    usual = Path.home() / ".kube" / "config"
    if not named and not usual.exists() and "KUBERNETES_SERVICE_HOST" in os.environ:
        return None
    files = named or str(usual)
    if not any(Path(file).is_file() for file in files.split(os.pathsep)):
        raise wrong_use(f"kubeconfig {files}: there is no such file; name one by --kubeconfig or KUBECONFIG")
    return Path(files)
