"""An eviction deletes a Pod without a DELETE: a rule about deletions does not see it.

Rule: no Pod is evicted.
Fields: CREATE of `pods/eviction`, also as a dry run.
Allowed: nothing. DELETE of the Pod is judged as what it is.
Source: https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import request_check, what
from webhook.checks.scope import Scope

ID = "eviction"


def judge(request: Request) -> Iterator[str]:
    """Refuse."""
    yield f"{what(request)} deletes the Pod without a DELETE; send a DELETE of the Pod"


CHECK = request_check(ID, judge, Scope.of(["CREATE"], [""], ["pods/eviction"]))
