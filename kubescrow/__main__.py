"""`kubescrow ...`: every command that people type. kubectl finds it as `kubectl escrow ...` too."""

import json
import sys
from importlib.metadata import version as version_of
from math import isfinite
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Any, NoReturn

import typer

from kubescrow import auditsink
from kubescrow.agents import agents
from kubescrow.approvals import approvals
from kubescrow.policy import policy
from kubescrow.refusal import wrong_use
from kubescrow.sessions import sessions
from masking import Masker, MaskingKey

app = typer.Typer(
    help="Deny, hold for approval, and record what agents do to a Kubernetes cluster.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a wrong option is told in one line, not in a box that folds it
)

app.add_typer(agents, name="agents")
app.add_typer(approvals, name="approvals")
app.add_typer(auditsink.app, name="auditsink")
app.add_typer(policy, name="policy")
app.add_typer(sessions, name="sessions")


@app.command()
def webhook() -> None:
    """Run the admission webhook; its settings are environment variables ESCROW_WEBHOOK_*."""
    from webhook.__main__ import main as serve_webhook  # noqa: PLC0415 -- a second of imports that only this needs

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
    masker = Masker(MaskingKey(id="cli0", secret=_key(key)))
    name = str(file) if file else "standard input"
    try:
        explained = masker.explain_document(_document(file, name))
        text = json.dumps(explained.masked, indent=2)
    except RecursionError as err:  # of the parser or the printer
        raise wrong_use(f"{name}: nested too deeply; allowed: some 900 levels") from err
    if not explain:
        typer.echo(text)
        return
    for finding in explained.findings:
        typer.echo(json.dumps({"path": finding.path, "by": finding.kind, "placeholder": finding.replacement}))


def _document(file: Path | None, name: str) -> dict[str, Any]:
    try:
        raw = file.read_bytes() if file else sys.stdin.buffer.read()
        document = json.loads(raw, parse_constant=_no_number, parse_float=_number)
    except OSError as err:
        raise wrong_use(f"{name}: not readable: {err.strerror}") from err
    except json.JSONDecodeError as err:  # its text might quote the document
        raise wrong_use(f"{name}: not JSON from line {err.lineno}, column {err.colno}; allowed: JSON") from err
    except ValueError as err:
        raise wrong_use(f"{name}: not JSON in UTF-8, or a number that no double holds; allowed: JSON") from err
    if not isinstance(document, dict):
        raise wrong_use(f"{name}: found {type(document).__name__}; allowed: one JSON object")
    return document


def _number(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _key(text: str) -> bytes:
    """The key; a random one if none is given, so that nobody can test guesses against the output."""
    if not text:
        return token_bytes(32)
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != 32:  # whatever was given may be most of a key: it is not shown
        raise wrong_use("--key, KUBESCROW_MASKING_KEY: not 64 hexadecimal digits; allowed: 64 hexadecimal digits")
    return secret


if __name__ == "__main__":
    app()
