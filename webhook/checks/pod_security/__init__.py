"""The controls of the Pod Security Standards, one file each, for the Pod that a request would run.

They judge Pods (also through `pods/ephemeralcontainers` and `pods/resize`) and the Pod templates of Deployments,
StatefulSets, DaemonSets, ReplicaSets, ReplicationControllers, Jobs, CronJobs and PodTemplates.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from webhook.checks.check import Check
from webhook.checks.pod_security import privileged_containers

BASELINE: tuple[Check, ...] = (privileged_containers.CHECK,)
"""What the profile Baseline forbids."""

RESTRICTED: tuple[Check, ...] = (*BASELINE,)
"""What the profile Restricted forbids: Baseline, and more."""
