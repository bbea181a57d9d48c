"""`kubescrow ...`: every command that people type."""

import json
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Any

import typer

from kubescrow import auditsink
from kubescrow.sessions import sessions
from masking import Masker, MaskingKey
from webhook.__main__ import main as serve_webhook

app = typer.Typer(
    help="Deny, hold for approval, and record what agents do to a Kubernetes cluster.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

WRONG_USE = 2

app.add_typer(auditsink.app, name="auditsink")
app.add_typer(sessions, name="sessions")


@app.command()
def webhook() -> None:
    """Run the admission webhook; its settings are environment variables ESCROW_WEBHOOK_*."""
    raise typer.Exit(serve_webhook())


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(version_of("kubescrow"))


@app.command()
def mask(
    file: Annotated[Path | None, typer.Argument(help="One JSON document; standard input if left out.")] = None,
    explain: Annotated[bool, typer.Option(help="List path, channel or rule, and placeholder instead.")] = False,
    key: Annotated[
        str,
        typer.Option(envvar="KUBESCROW_MASKING_KEY", help="Key of the placeholders, 64 hex digits; unset = a new one."),
    ] = "",
) -> None:
    """Mask one Kubernetes object, list, audit event or admission review."""
    document = _document(file)
    explained = Masker(MaskingKey(id="cli0", secret=_key(key))).explain_document(document)
    if explain:
        for finding in explained.findings:
            typer.echo(json.dumps({"path": finding.path, "by": finding.kind, "placeholder": finding.replacement}))
    else:
        typer.echo(json.dumps(explained.masked, indent=2))


def _document(file: Path | None) -> dict[str, Any]:
    name = str(file) if file else "standard input"
    try:
        document = json.loads(file.read_text() if file else sys.stdin.read())
    except (OSError, ValueError) as err:
        raise _wrong(f"{name}: not a readable JSON document") from err
    if not isinstance(document, dict):
        raise _wrong(f"{name}: found {type(document).__name__}; allowed: one JSON object")
    return document


def _key(text: str) -> bytes:
    """The key; a random one if none is given, so that nobody can test guesses against the output."""
    if not text:
        return token_bytes(32)
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != 32:
        raise _wrong("--key: allowed: 64 hexadecimal digits")
    return secret


def _wrong(text: str) -> typer.Exit:
    typer.echo(text, err=True)
    return typer.Exit(WRONG_USE)


if __name__ == "__main__":
    app()
