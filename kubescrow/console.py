"""Where text goes that people read: plain text never taken as markup, colours only on a terminal that wants them."""

import logging
import os
import sys

import structlog
from rich.console import Console

PIPE_WIDTH = 10_000
"""Columns where no terminal says how many it has: nothing is folded, so that a line stays a line."""


def console(*, stderr: bool = False) -> Console:
    """Standard output or error; NO_COLOR and a pipe get no colours."""
    made = Console(stderr=stderr, soft_wrap=True, highlight=False, markup=False, emoji=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = PIPE_WIDTH
    return made


def quiet_logs() -> None:
    """Keep what servers log out of what a command prints; the command says itself what people should know."""
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, logger_factory=structlog.PrintLoggerFactory(file=sys.stderr))
