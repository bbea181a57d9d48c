"""`kubescrow policy check|lint`: what policies say to manifests, without a cluster.

Only options are here. The engine, which takes a third of a second to load, is imported by the command that needs it.
"""

from typing import Annotated

import typer

from kubescrow.refusal import wrong_use

policy = typer.Typer(help="Try policies without a cluster: check manifests, lint policies.", no_args_is_help=True)

Output = Annotated[str, typer.Option("--output", "-o", help="text or json, one object a line.")]


@policy.command()
def check(  # noqa: PLR0913, PLR0917 -- options of one command
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE...", help="Manifests or AdmissionReviews: files, directories; - = standard input."
        ),
    ],
    policies: Annotated[
        list[str],
        typer.Option("--policies", metavar="PATH", help="AgentPolicies: a file or directory; may be repeated."),
    ],
    user: Annotated[
        str,
        typer.Option(
            "--as", metavar="USER", help="Who sends them; left out: the only ServiceAccount that the policies name."
        ),
    ] = "",
    groups: Annotated[
        list[str] | None,
        typer.Option(
            "--as-group",
            metavar="GROUP",
            help="One more group of that user; may be repeated. What Kubernetes adds is added.",
        ),
    ] = None,
    unbound: Annotated[
        bool, typer.Option("--unbound", help="With a credential without an id: a static token, or impersonation.")
    ] = False,
    operation: Annotated[
        str, typer.Option(help="CREATE, UPDATE, DELETE or CONNECT; left out: CREATE, or what the subresource has.")
    ] = "",
    subresource: Annotated[str, typer.Option(help="Such as scale, exec, eviction.")] = "",
    old: Annotated[
        list[str] | None,
        typer.Option(
            "--old", metavar="PATH", help="The objects as they are now, for UPDATE and DELETE; may be repeated."
        ),
    ] = None,
    namespace: Annotated[
        str, typer.Option("--namespace", "-n", help="For objects that say none; left out: default.")
    ] = "",
    namespace_labels: Annotated[
        str, typer.Option(metavar="K=V,...", help="Labels of the namespaces, for selectors and namespaceObject.")
    ] = "",
    namespaces: Annotated[
        list[str] | None,
        typer.Option(
            "--namespaces", metavar="PATH", help="Namespaces, for selectors and namespaceObject; may be repeated."
        ),
    ] = None,
    crds: Annotated[
        list[str] | None,
        typer.Option("--crds", metavar="PATH", help="CustomResourceDefinitions of custom kinds; may be repeated."),
    ] = None,
    output: Output = "text",
) -> None:
    """Judge manifests as if they were sent now. Exit code 1: one is denied or held; 2: not everything was judged.

    What the API server would have added (defaults, uid, generated names) is not in a manifest, and what other webhooks
    would have changed neither: a rule about such a field sees nothing there.
    """
    _allowed(output)
    from kubescrow.checking.command import run_check  # noqa: PLC0415 -- the engine, a third of a second
    from kubescrow.checking.options import Options  # noqa: PLC0415

    options = Options(
        files=files,
        policies=policies,
        user=user,
        groups=groups or (),
        is_bound=not unbound,
        operation=operation,
        subresource=subresource,
        old=old or (),
        namespace=namespace,
        namespace_labels=namespace_labels,
        namespaces=namespaces or (),
        crds=crds or (),
    )
    raise typer.Exit(run_check(options, as_json_lines=output == "json"))


@policy.command()
def lint(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="AgentPolicies: files or directories.")],
    output: Output = "text",
) -> None:
    """Compile policies and print every problem. Exit code 1: there is one."""
    _allowed(output)
    from kubescrow.checking.command import run_lint  # noqa: PLC0415 -- the engine, a third of a second

    raise typer.Exit(run_lint(paths, as_json_lines=output == "json"))


def _allowed(output: str) -> None:
    if output not in {"text", "json"}:
        raise wrong_use(f"--output {output}: allowed: text, json")
