"""`kubescrow agents create|token|list|lock|unlock`: what operators type. Only options are here.

The client and the policies, which take seconds to load, are imported by the commands that need them.
"""

from pathlib import Path
from typing import Annotated

import typer

from kubescrow.access import Access, Context, Kubeconfig, Output, checked

agents = typer.Typer(help="Make agents, give them tokens, and stop them at once.", no_args_is_help=True)

AccountName = Annotated[str, typer.Argument(metavar="NAME", help="The ServiceAccount: NAME or NAMESPACE/NAME.")]
AnyName = Annotated[
    str, typer.Argument(metavar="NAME", help="A ServiceAccount: NAME, NAMESPACE/NAME, or its username.")
]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the ServiceAccount.")]
UserName = Annotated[str, typer.Option("--user", help="A user instead of a ServiceAccount.")]
GroupName = Annotated[str, typer.Option("--group", help="A group instead of a ServiceAccount.")]


@agents.command()
def create(  # noqa: PLR0913, PLR0917 -- options of one command
    name: AccountName,
    namespace: Namespace = "",
    role: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="CLUSTERROLE", help="Bind this instead of the narrow Role; may be repeated."),
    ] = None,
    places: Annotated[
        list[str] | None,
        typer.Option("--in", metavar="NAMESPACE", help="Rights there, not in its own namespace; may be repeated."),
    ] = None,
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """Create a ServiceAccount that may look at workloads and their logs (no Secrets, no exec, no write).

    It also gets ClusterRole kubescrow-agent, to read the approvals that it is told of. What exists stays as it is.
    """
    as_json = checked(output)
    from kubescrow.agent import command  # noqa: PLC0415 -- see above

    agent = command.meant(name, namespace=namespace)
    access = Access(kubeconfig, context)
    code = command.run_create(agent, roles=role or [], namespaces=places or [], access=access, as_json=as_json)
    raise typer.Exit(code)


@agents.command()
def token(  # noqa: PLR0913, PLR0917 -- options of one command
    name: AccountName,
    namespace: Namespace = "",
    duration: Annotated[str, typer.Option(help="How long it is good for, 10m to 24h.")] = "1h",
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Write it there, mode 0600, instead of printing it.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file of --to.")] = False,
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """Print a kubeconfig with a new short-lived token (TokenRequest), ready for the agent's kubectl."""
    as_json = checked(output)
    from kubescrow.agent import command  # noqa: PLC0415 -- see above

    agent = command.meant(name, namespace=namespace)
    access = Access(kubeconfig, context)
    command.run_token(agent, duration=duration, file=to, is_forced=force, access=access, as_json=as_json)


@agents.command("list")
def list_agents(kubeconfig: Kubeconfig = None, context: Context = "", output: Output = "text") -> None:
    """List whom policies name: ServiceAccounts, then users and groups; locked or not, and what they asked for."""
    as_json = checked(output)
    from kubescrow.agent import command  # noqa: PLC0415 -- see above

    command.run_list(access=Access(kubeconfig, context), as_json=as_json)


@agents.command()
def lock(  # noqa: PLR0913, PLR0917 -- options of one command
    name: AnyName = "",
    namespace: Namespace = "",
    user: UserName = "",
    group: GroupName = "",
    reason: Annotated[str, typer.Option(help="Why; the agent reads it.")] = "",
    timeout: Annotated[str, typer.Option(help="How long to wait until it is enforced.")] = "30s",
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """Stop one agent at once: every write of exactly this subject is denied, also what was approved already.

    Returns when the API server enforces it. Exit code 1: it does not yet.
    """
    as_json = checked(output)
    from kubescrow.agent import command  # noqa: PLC0415 -- see above

    whom = command.meant(name, namespace=namespace, user=user, group=group)
    access = Access(kubeconfig, context)
    raise typer.Exit(command.run_lock(whom, reason=reason, timeout=timeout, access=access, as_json=as_json))


@agents.command()
def unlock(  # noqa: PLR0913, PLR0917 -- options of one command
    name: AnyName = "",
    namespace: Namespace = "",
    user: UserName = "",
    group: GroupName = "",
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """Remove the lock of an agent; its other policies go on."""
    as_json = checked(output)
    from kubescrow.agent import command  # noqa: PLC0415 -- see above

    whom = command.meant(name, namespace=namespace, user=user, group=group)
    command.run_unlock(whom, access=Access(kubeconfig, context), as_json=as_json)
