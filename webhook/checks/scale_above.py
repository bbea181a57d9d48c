"""More Pods at once than the policy allows, by whichever way they are asked for.

Only what rises counts: a number that was above before may be kept or lowered, else nobody could scale down. Pointed at
another target, an autoscaler's numbers are new.

Not seen here: how many workloads there are (a ResourceQuota counts Pods), DaemonSets (one Pod a node), the further Pods
of a rolling update, how often a CronJob starts, and how many Pods a Job runs one after another (`completions`). Custom
resources are judged by their `scale`; their own `spec.replicas` is judged where the rule's `match` names them.

Rule: no write raises a number of Pods above `parameters.replicas`.
Fields: `spec.replicas` of every `scale` and of Deployments, ReplicaSets, StatefulSets, ReplicationControllers and
    whatever else `match` names; `spec.maxReplicas` and `spec.minReplicas` of HorizontalPodAutoscalers;
    `spec.parallelism` of Jobs, and of the Jobs of a CronJob.
Allowed: up to `parameters.replicas`; above it, up to what it was before.
Source: k8s.io/api autoscaling/v1, autoscaling/v2, apps/v1, batch/v1; k8s.io/api/autoscaling/v1 Scale
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, StrictInt

from webhook.admission.request import Operation, Request
from webhook.checks.check import Check, Parameters
from webhook.checks.inspection import Inspection
from webhook.checks.pod import Shape, shape_problem
from webhook.checks.scope import ANY, Scope
from webhook.checks.wording import quoted

ID = "scale-above"

_WRITES = ("CREATE", "UPDATE")
SCOPES = (
    Scope.of(_WRITES, [ANY], ["*/scale"]),
    Scope.of(_WRITES, [""], ["replicationcontrollers"]),
    Scope.of(_WRITES, ["apps"], ["deployments", "replicasets", "statefulsets"]),
    Scope.of(_WRITES, ["autoscaling"], ["horizontalpodautoscalers"]),
    Scope.of(_WRITES, ["batch"], ["cronjobs", "jobs"]),
)

REPLICAS = (("spec", "replicas"),)
NUMBERS: Mapping[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("autoscaling", "horizontalpodautoscalers"): (("spec", "maxReplicas"), ("spec", "minReplicas")),
    ("batch", "cronjobs"): (("spec", "jobTemplate", "spec", "parallelism"),),
    ("batch", "jobs"): (("spec", "parallelism"),),
}
"""(API group, resource) -> paths of its numbers; everything else has `spec.replicas`."""


class Limit(Parameters):
    """How many Pods at once."""

    # Kubernetes' own numbers of replicas have 32 bits.
    replicas: Annotated[StrictInt, Field(ge=0, le=2**31 - 1)] = Field(
        description="The highest number of Pods that passes, from 0."
    )


def judge(inspection: Inspection) -> Iterator[str]:
    """Yield one message for each number that rises above the limit."""
    request, parameters = inspection.request, inspection.parameters
    if request.operation not in (Operation.CREATE, Operation.UPDATE) or request.subresource not in ("", "scale"):
        return
    limit = parameters.replicas if isinstance(parameters, Limit) else 0
    if request.object is None:
        yield f"the {request.kind.kind} is missing; send one"
        return
    for path in _paths(request):
        if problem := shape_problem(request.object, _shape(path[:-1]), ""):
            yield problem
            continue
        found, before, name = _at(request.object, path), _before(request, path), ".".join(path)
        if found is not None and not _is_number(found):
            yield f"{name} is {quoted(found)}; make it a whole number up to {limit}"
        elif found is not None and found > max(limit, before):
            keep = f", or keep the {before} of before" if before > limit else ""
            yield f"{name}={quoted(found)} is above {limit}; set at most {limit}{keep}"


def _paths(request: Request) -> tuple[tuple[str, ...], ...]:
    if request.subresource:
        return REPLICAS
    return NUMBERS.get((request.resource.group, request.resource.resource), REPLICAS)


def _before(request: Request, path: tuple[str, ...]) -> int | float:
    """Return the number of the old object, as far as it was about the same Pods; 0 if there was none."""
    old = request.old_object
    target = ("spec", "scaleTargetRef")
    if old is None or _at(old, target) != _at(request.object, target):
        return 0
    number: Any = _at(old, path)
    return number if _is_number(number) else 0


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        obj = obj.get(name) if isinstance(obj, Mapping) else None
    return obj


def _shape(path: tuple[str, ...]) -> Shape:
    """Say that everything on the way is an object."""
    return {path[0]: _shape(path[1:])} if path else {}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


CHECK = Check(ID, judge, SCOPES, Limit)
