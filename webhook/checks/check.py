"""What a built-in check is: an id, the requests it can judge, and the judging function."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from webhook.admission.request import Request
from webhook.checks.scope import Scope

Judge = Callable[[Request], tuple[str, ...]]
"""Request in, one message a violation out, in the order of the object; never raises, whatever the object."""

SECTIONS = ("Rule:", "Fields:", "Allowed:", "Source:")
"""What the docstring of a check's module must have; docs are made from it."""


@dataclass(frozen=True, slots=True)
class Check:
    """One built-in check. `scopes` is what must be delivered for it; `judge` passes everything else."""

    id: str
    judge: Judge
    scopes: tuple[Scope, ...]

    @property
    def documentation(self) -> str:
        """The docstring of the module that the check lives in."""
        return inspect.getdoc(inspect.getmodule(self.judge)) or ""

    def covers(self, request: Request) -> bool:
        """Say whether the request is of a kind that this check judges."""
        return any(scope.covers(request) for scope in self.scopes)
