"""`kubescrow auditsink ...`: runs the receiver of audit events, and makes the tokens by which API servers send."""

import json
from pathlib import Path
from typing import Annotated

import typer

from auditsink import files
from auditsink.tokens import Tokens, TokensBroken
from kubescrow.refusal import wrong_use

app = typer.Typer(help="Record what agents do: the receiver of the API server's audit webhook.", no_args_is_help=True)


@app.command()
def run() -> None:
    """Run the auditsink; its settings are environment variables ESCROW_SINK_*."""
    from auditsink.__main__ import main as serve_auditsink  # noqa: PLC0415 -- half a second that only this needs

    raise typer.Exit(serve_auditsink())


@app.command()
def token(
    cluster: Annotated[str, typer.Argument(help="Name of the cluster whose API servers will send.")],
    data: Annotated[Path, typer.Option(help="Data folder of the auditsink.")] = Path("/var/lib/kubescrow"),
    output: Annotated[str, typer.Option("--output", "-o", help="json, or the token alone.")] = "",
) -> None:
    """Make a token for a cluster; the last two stay valid. A running auditsink takes it at once."""
    if output not in ("", "json"):
        raise wrong_use(f"--output {output}: allowed: json")
    try:
        files.make_folder(data)
        tokens = Tokens(data / "tokens.json")
        made = tokens.new_token(cluster)
        valid = tokens.count(cluster)
    except (TokensBroken, OSError) as err:
        raise wrong_use(str(err)) from err
    typer.echo(json.dumps({"cluster": cluster, "token": made, "valid": valid}) if output else made)
