"""A debug container runs what the agent likes inside a Pod of somebody else, with that Pod's identity and volumes.

Rule: no ephemeral container is added or changed.
Fields: `spec.ephemeralContainers` in UPDATE of `pods/ephemeralcontainers`.
Allowed: the list as it was.
Source: https://kubernetes.io/docs/concepts/workloads/pods/ephemeral-containers/
"""

from collections.abc import Iterator

from webhook.admission.request import Request
from webhook.checks.laundering.writing import entries_at, request_check, what
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

ID = "ephemeral-containers"


def judge(request: Request) -> Iterator[str]:
    """Yield one message for each container that was not there as it is."""
    old = entries_at(request.old_object, "spec", "ephemeralContainers")
    for index, container in enumerate(entries_at(request.object, "spec", "ephemeralContainers")):
        if container not in old:
            name = container.get("name") if isinstance(container, dict) else container
            path = f"spec.ephemeralContainers[{index}]"
            yield f"{what(request)} adds {path} {quoted(name)} to a running Pod; run a Pod of your own"


CHECK = request_check(ID, judge, Scope.of(["UPDATE"], [""], ["pods/ephemeralcontainers"]))
