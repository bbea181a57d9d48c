"""How a command ends that was used wrongly: one line that names option, value and what is allowed, and exit code 2."""

import typer

from kubescrow.telling import plain

WRONG_USE = 2


def wrong_use(text: str) -> typer.Exit:
    """Say what is wrong on standard error, and return what to raise."""
    typer.echo(plain(text), err=True)
    return typer.Exit(WRONG_USE)
