"""Where text goes that people read: plain text never taken as markup, colours only on a terminal that wants them."""

import logging
import sys

import structlog
from rich.console import Console

WIDTH = 10_000
"""Columns of a table, whatever the terminal has: a name that is folded cannot be copied; kubectl folds none either."""


def console(*, stderr: bool = False) -> Console:
    """Standard output or error; NO_COLOR and a pipe get no colours."""
    return Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False, width=WIDTH)


def quiet_logs() -> None:
    """Keep what servers log out of what a command prints; the command says itself what people should know."""
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
