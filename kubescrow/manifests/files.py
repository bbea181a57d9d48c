"""Where manifests are read from: files, directories, standard input. The only part that touches the disk.

In a directory every file that ends in `.yaml`, `.yml` or `.json` counts, folders below included, hidden ones and
links to folders left out. A named file counts whatever its name.
"""

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kubescrow.manifests.document import INPUT_LIMIT_BYTES

STANDARD_INPUT = "-"

_ENDINGS = (".yaml", ".yml", ".json")


class NoInput(Exception):
    """Something that was named cannot be read; the text names it and says why."""


@dataclass(slots=True)
class Input:
    """One file, or standard input."""

    name: str
    path: Path | None
    size: int = 0
    _content: bytes | None = field(default=None, repr=False)

    def read(self) -> bytes:
        """Return its content, cut one byte over the limit; the same again if it is asked for again.

        Raises:
            NoInput: it cannot be read.
        """
        if self._content is not None:
            return self._content
        try:
            if self.path is None:
                self._content = sys.stdin.buffer.read(INPUT_LIMIT_BYTES + 1)
                return self._content
            with self.path.open("rb") as file:
                content = file.read(INPUT_LIMIT_BYTES + 1)
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    self._content = content  # a pipe gives it only once
                return content
        except OSError as err:
            raise NoInput(f"{self.name}: not readable: {err.strerror}") from err


def inputs(paths: Iterable[str], *, may_be_stdin: bool) -> list[Input]:
    """Return every input that the paths name, each path's in the order of names.

    Raises:
        NoInput: a path does not exist, or a directory has no manifests.
    """
    found: list[Input] = []
    for path in paths:
        if path == STANDARD_INPUT and may_be_stdin:
            if all(each.path for each in found):
                found.append(Input("standard input", None))
            continue
        found.extend(_below(Path(path)))
    return found


def _below(path: Path) -> list[Input]:
    try:
        if not path.is_dir():
            return [Input(str(path), path, path.stat().st_size)]
        found = [Input(str(each), each, each.stat().st_size) for each in _files(path)]
    except OSError as err:
        raise NoInput(f"{path}: not readable: {err.strerror}") from err
    except ValueError as err:
        raise NoInput(f"{path!r}: not the name of a file") from err
    if not found:
        raise NoInput(f"{path}: found no file in it that ends in {', '.join(_ENDINGS)}")
    return found


def _files(folder: Path) -> Iterator[Path]:
    for where, folders, names in os.walk(folder, onerror=_raise):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(where, name)
            if name.endswith(_ENDINGS) and not name.startswith(".") and path.is_file():
                yield path


def _raise(error: OSError) -> None:
    raise error
