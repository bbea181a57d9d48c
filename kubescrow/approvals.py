"""`kubescrow approvals list|show|approve|deny|revoke|watch`: what approvers type. Only options are here.

The client and the readers, which take seconds to load, are imported by the commands that need them.
"""

from typing import Annotated

import typer

from kubescrow.access import Access, Context, Kubeconfig, Output, checked
from kubescrow.refusal import wrong_use

approvals = typer.Typer(help="For approvers: what agents ask for, and your decision on it.", no_args_is_help=True)

Requester = Annotated[str, typer.Option(metavar="USER", help="Only of this agent: a username, or NAMESPACE/NAME.")]
Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Only what touches this namespace.")]
Names = Annotated[list[str] | None, typer.Argument(metavar="NAME...", help="Approvals.")]
Selector = Annotated[str, typer.Option("--selector", "-l", help="All open approvals with these labels instead.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded, and told to the agent.")]
SeenVersion = Annotated[str, typer.Option("--seen", metavar="DIGITS", help="What show printed: decide on that only.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deciding on what --selector finds.")]


@approvals.command("list")
def list_approvals(  # noqa: PLR0913, PLR0917 -- options of one command
    state: Annotated[str, typer.Option(help="Only in this state.")] = "Pending",
    everything: Annotated[bool, typer.Option("--all", "-A", help="In every state.")] = False,
    namespace: Namespace = "",
    requester: Requester = "",
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """List what waits for a decision, the oldest first; -o json prints one object a line."""
    as_json = checked(output)
    from kubescrow.approval import command  # noqa: PLC0415 -- see above

    wanted = "" if everything else command.state_of(state)
    command.run_list(wanted, namespace, requester, access=Access(kubeconfig, context), as_json=as_json)


@approvals.command()
def show(
    name: Annotated[str, typer.Argument(help="The approval.")],
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """Show all that one needs to decide: who, what, until when, the change, and the commands to decide."""
    as_json = checked(output)
    from kubescrow.approval import command  # noqa: PLC0415 -- see above

    command.run_show(name, access=Access(kubeconfig, context), as_json=as_json)


@approvals.command()
def approve(  # noqa: PLR0913, PLR0917 -- options of one command
    names: Names = None,
    selector: Selector = "",
    reason: Reason = "",
    seen: SeenVersion = "",
    yes: Yes = False,
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """Let the request pass, once. Prints what was recorded; exit code 1: not everything was recorded as you said."""
    _decide("approved", names, selector, reason, seen, yes, kubeconfig, context, output)


@approvals.command()
def deny(  # noqa: PLR0913, PLR0917 -- options of one command
    names: Names = None,
    selector: Selector = "",
    reason: Reason = "",
    seen: SeenVersion = "",
    yes: Yes = False,
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """Refuse the request. The agent is told your reason; exit code 1: not everything was recorded as you said."""
    _decide("denied", names, selector, reason, seen, yes, kubeconfig, context, output)


@approvals.command()
def revoke(  # noqa: PLR0913, PLR0917 -- options of one command
    names: Names = None,
    selector: Selector = "",
    reason: Reason = "",
    seen: SeenVersion = "",
    yes: Yes = False,
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """Take back what was approved and has not passed yet; exit code 1: not everything was recorded as you said."""
    _decide("revoked", names, selector, reason, seen, yes, kubeconfig, context, output)


@approvals.command()
def watch(
    namespace: Namespace = "",
    requester: Requester = "",
    kubeconfig: Kubeconfig = None,
    context: Context = "",
    output: Output = "text",
) -> None:
    """Print approvals that are open, then each that is new or changes, until Ctrl-C; -o json: one object a line."""
    as_json = checked(output)
    from kubescrow.approval import command  # noqa: PLC0415 -- see above

    command.run_watch(namespace, requester, access=Access(kubeconfig, context), as_json=as_json)


def _decide(  # noqa: PLR0913, PLR0917 -- options of one command
    decision: str,
    names: list[str] | None,
    selector: str,
    reason: str,
    seen: str,
    yes: bool,
    kubeconfig: Kubeconfig,
    context: str,
    output: str,
) -> None:
    as_json = checked(output)
    if bool(names) == bool(selector):
        raise wrong_use(f"{'both NAME and' if names else 'neither NAME nor'} --selector given; allowed: one of them")
    if seen and (selector or len(names or ()) != 1):
        raise wrong_use(f"--seen {seen}: it belongs to one approval; allowed: with exactly one NAME")
    from kubescrow.approval import command  # noqa: PLC0415 -- see above

    wish = command.Wish(decision, tuple(dict.fromkeys(names or ())), selector, reason, seen, yes)
    raise typer.Exit(command.run_decide(wish, access=Access(kubeconfig, context), as_json=as_json))
