"""Small private files: read whole, replaced whole, made once."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


def make_folder(folder: Path) -> None:
    """Make a folder that only its owner may enter, unless it is there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def create(path: Path, text: str) -> bool:
    """Write a new file, mode 0600, whole or not at all; say False and leave it alone if it is there already."""
    with _written(path, text) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
    _sync(path.parent)
    return True


def replace(path: Path, text: str) -> None:
    """Write a file, mode 0600, in place of what is there; a reader sees the old or the new one, never a half."""
    with _written(path, text) as temporary:
        temporary.replace(path)
    _sync(path.parent)


@contextlib.contextmanager
def _written(path: Path, text: str) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
