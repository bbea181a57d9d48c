"""`policy check` and `policy lint`: from what was typed to what is printed and the exit code.

Findings go to standard output, one line each; everything else (what was not judged, what is uncertain, the sum) to
standard error.
"""

import contextlib
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import typer

from kubescrow.checking.check import Failed
from kubescrow.checking.judged import Judged, as_json, lines, word
from kubescrow.checking.options import Options, WrongUse, policies_in, prepared
from kubescrow.checking.user import NoUser
from kubescrow.manifests.files import Input
from kubescrow.refusal import WRONG_USE
from kubescrow.telling import plain
from webhook.admission.verdict import Action

FOUND = 1
"""Exit code: something is denied, held or wrong."""

# Below this a check is done before anybody reads a bar: a MiB of manifests takes half a second.
LONG_WORK_BYTES = 2 * 1024 * 1024

_COLOURS = {Action.ALLOW: "dim", Action.WARN: "yellow", Action.HOLD: "bold yellow", Action.DENY: "bold red"}


def run_check(options: Options, *, as_json_lines: bool) -> int:
    """Judge what the options name, print what comes of it, and return the exit code."""
    _never_fail_to_print()
    teller = Teller(as_json_lines)
    try:
        check, sources, remarks = prepared(options)
        for remark in remarks:
            _err(f"note: {remark}")
        with _bar(sources) as advance:
            teller.is_waiting = advance is not None
            for each in check.judged(sources):
                if not isinstance(each, Input):
                    teller.tell(each)
                elif advance is not None:
                    advance(each.size)
        return teller.end()
    except (WrongUse, NoUser) as err:
        for line in err.lines if isinstance(err, WrongUse) else (str(err),):
            _err(line)
        return WRONG_USE


def run_lint(paths: Sequence[str], *, as_json_lines: bool) -> int:
    """Try and compile policies, print every problem, and return the exit code."""
    _never_fail_to_print()
    try:
        loaded = policies_in(paths, are_tried=True)
    except WrongUse as err:
        for line in err.lines:
            _err(line)
        return WRONG_USE
    for problem in loaded.problems:
        typer.echo(json.dumps({"problem": problem}) if as_json_lines else plain(problem))
    if not as_json_lines:
        _err(f"{_counted(loaded.count, 'policy', 'policies')}, {_counted(len(loaded.problems), 'problem', 'problems')}")
    return FOUND if loaded.problems else 0


class Teller:
    """Prints what came of each object, and knows the sum."""

    def __init__(self, as_json_lines: bool) -> None:
        self._as_json = as_json_lines
        self._show = _show_coloured() if sys.stdout.isatty() and not as_json_lines else _show_plain
        self._waiting: list[tuple[Action, str]] = []
        self._counts: Counter[Action] = Counter()
        self._failed = 0
        self._notes: dict[str, list[str]] = {}
        self.is_waiting = False
        """Whether a bar is on the terminal, so that lines have to wait for its end."""

    def tell(self, each: Judged | Failed) -> None:
        """Take the next object."""
        if isinstance(each, Failed):
            self._failed += 1
            _err(each.text)
            return
        self._counts[each.verdict.action] += 1
        for note in each.notes:
            self._notes.setdefault(note, []).append(str(each.place))
        if self._as_json:
            self._print(each.verdict.action, json.dumps(as_json(each)))
            return
        for action, line in lines(each):
            self._print(action, plain(line))

    def end(self) -> int:
        """Print what waited, what is uncertain and the sum, and return the exit code."""
        for action, line in self._waiting:
            self._show(action, line)
        for note, places in self._notes.items():
            more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
            _err(f"note: {places[0]}{more}: {note}")
        total = self._counts.total()
        if not total and not self._failed:
            _err("nothing to judge: no manifest in the input; allowed: Kubernetes objects or AdmissionReviews")
            return WRONG_USE
        if not self._as_json:
            sums = ", ".join(f"{self._counts[action]} {name}" for action, name in _SUMS)
            failed = f", {self._failed} not judged" if self._failed else ""
            _err(f"{_counted(total, 'object', 'objects')}: {sums}{failed}")
        if self._failed:
            return WRONG_USE
        return FOUND if self._counts[Action.DENY] or self._counts[Action.HOLD] else 0

    def _print(self, action: Action, line: str) -> None:
        if self.is_waiting:
            self._waiting.append((action, line))
        else:
            self._show(action, line)


_SUMS = ((Action.ALLOW, "allowed"), (Action.WARN, "warned"), (Action.HOLD, "held"), (Action.DENY, "denied"))


def _show_plain(_: Action, line: str) -> None:
    typer.echo(line)


def _show_coloured() -> Callable[[Action, str], None]:
    from rich.console import Console  # noqa: PLC0415 -- only a terminal has colours
    from rich.text import Text  # noqa: PLC0415

    console = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)

    def show(action: Action, line: str) -> None:
        text = Text(line)
        text.highlight_words([f": {word(action)} "], style=_COLOURS[action])
        console.print(text)

    return show


@contextlib.contextmanager
def _bar(sources: Sequence[Input]) -> Iterator[Callable[[int], object] | None]:
    """Show a bar on standard error if that is a terminal and there is much to do; give what moves it on."""
    total = sum(source.size for source in sources)
    if not sys.stderr.isatty() or total < LONG_WORK_BYTES:
        yield None
        return
    from rich.console import Console  # noqa: PLC0415 -- see above
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("judging", total=total)
        yield lambda size: progress.advance(task, size)


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _err(line: str) -> None:
    typer.echo(plain(line), err=True)


def _never_fail_to_print() -> None:
    """Write what the terminal's encoding lacks by number: names in manifests may be of any language."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
