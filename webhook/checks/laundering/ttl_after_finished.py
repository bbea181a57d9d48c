"""A shorter life has a controller delete finished Jobs, with their Pods and logs: a deletion without a DELETE.

Rule: no Job that exists gets a time to live, or a shorter one, and no CronJob keeps fewer of its finished Jobs.
Fields: `spec.ttlSecondsAfterFinished` of a Job, `spec.successfulJobsHistoryLimit` and `spec.failedJobsHistoryLimit`
    of a CronJob, before and after an UPDATE.
Allowed: any value on a new object, which deletes only what the agent made; longer, more, none. What a CronJob's
    template says is for Jobs that do not exist yet.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/,
    https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#jobs-history-limits
"""

from collections.abc import Iterator
from typing import Any

from webhook.admission.request import Request
from webhook.checks.laundering.writing import request_check, value_at, what
from webhook.checks.scope import Scope
from webhook.checks.wording import quoted

ID = "ttl-after-finished"

_FIELDS = {
    "jobs": ("ttlSecondsAfterFinished",),
    "cronjobs": ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"),
}


def judge(request: Request) -> Iterator[str]:
    """Yield one message for each field that would delete sooner."""
    for name in _FIELDS[request.resource.resource]:
        old, new = value_at(request.old_object, "spec", name), value_at(request.object, "spec", name)
        if _deletes_sooner(old, new):
            found = f"sets spec.{name}={quoted(new)}, before {quoted(old)}"
            yield f"{what(request)} {found}, so that finished Jobs are deleted sooner; DELETE what is to be deleted"


def _deletes_sooner(old: Any, new: Any) -> bool:
    if new is None or new == old:
        return False
    return not (isinstance(old, int) and isinstance(new, int) and new > old)


CHECK = request_check(ID, judge, Scope.of(["UPDATE"], ["batch"], ["jobs", "cronjobs"]))
