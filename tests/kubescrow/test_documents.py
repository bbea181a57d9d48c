"""Every command that our documents tell people to type exists, with the options that they show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from kubescrow.__main__ import app

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
TYPED = re.compile(r"kubescrow (approvals|agents|sessions|policy) ([a-z]+)((?: [^\s`|#>]+)*)")


def options() -> dict[tuple[str, str], set[str]]:
    """The options of each command of each group."""
    groups = getattr(get_command(app), "commands", {})
    return {
        (group, name): {word for parameter in command.params for word in parameter.opts}
        for group, found in groups.items()
        for name, command in getattr(found, "commands", {}).items()
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_documents_tell_people_to_type_can_be_typed(document: Path) -> None:
    """No command and no option that is not there."""
    known = options()
    for group, name, rest in TYPED.findall(document.read_text()):
        assert (group, name) in known, (group, name)
        used = {word.partition("=")[0] for word in rest.split() if re.fullmatch(r"--?[a-z][-a-z]*(=.*)?", word)}
        assert used <= known[group, name] | {"--help"}, (group, name, used)
