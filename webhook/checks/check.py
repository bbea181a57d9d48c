"""What a built-in check is: an id, the requests it can judge, and the judging function.

A check is a file that ends in `CHECK = Check(ID, judge, SCOPES)`, or in `pod_check(ID, judge)` where only the Pod that
would run matters. Its docstring has the sections Rule, Fields, Allowed, Source.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from itertools import islice

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from webhook.admission.request import Request
from webhook.checks import pod
from webhook.checks.inspection import Inspection
from webhook.checks.pod import Pod
from webhook.checks.scope import Scope

Judge = Callable[[Inspection], Iterable[str]]
"""One message a violation, in the order of the object; never raises, whatever the object."""

SECTIONS = ("Rule:", "Fields:", "Allowed:", "Source:")
"""What the docstring of a check's module must have; docs are made from it."""

# An object of 3 MiB can break a rule 60,000 times: 240 MiB of messages, and ten seconds in which nobody else is judged.
# Nobody mends more than 20 at once.
FINDINGS_LIMIT = 20


class Parameters(BaseModel):
    """What a rule may set for a check, camelCase in the policy. Every field has a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)


@dataclass(frozen=True, slots=True)
class Check:
    """One built-in check. `scopes` is what must be delivered for it; `judge` passes everything else."""

    id: str
    judge: Judge
    scopes: tuple[Scope, ...]
    parameters: type[Parameters] | None = None

    @property
    def documentation(self) -> str:
        """The docstring of the module that the check lives in."""
        return inspect.getdoc(inspect.getmodule(self.judge)) or ""

    def covers(self, request: Request) -> bool:
        """Say whether the request is of a kind that this check judges."""
        return any(scope.covers(request) for scope in self.scopes)

    def findings(self, inspection: Inspection) -> tuple[str, ...]:
        """Return one line a violation, each with the id of the check; none = the check passes.

        A thousand violations are as many as the first 20: the last line says that there are more.
        """
        found = [f"{self.id}: {message}" for message in islice(self.judge(inspection), FINDINGS_LIMIT + 1)]
        if len(found) > FINDINGS_LIMIT:
            found[FINDINGS_LIMIT] = f"{self.id}: there are more; mend these first"
        return tuple(found)


def pod_check(check_id: str, judge: Callable[[Pod], Iterable[str]]) -> Check:
    """Make a check of the Pod that a request would run, wherever its spec is written; `judge` sees only sound ones."""

    @wraps(judge)
    def of_pod(inspection: Inspection) -> Iterable[str]:
        seen = inspection.pod
        if seen is None:
            return ()
        return (seen.problem,) if seen.problem else judge(seen)

    return Check(check_id, of_pod, pod.SCOPES)
