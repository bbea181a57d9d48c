"""The controls of the Pod Security Standards, one file each, for the Pod that a request would run.

They judge Pods (also through `pods/ephemeralcontainers` and `pods/resize`) and the Pod templates of Deployments,
StatefulSets, DaemonSets, ReplicaSets, ReplicationControllers, Jobs, CronJobs and PodTemplates. They are those of the
version `latest` of Kubernetes 1.37; tests/webhook/checks/pod_security/ compares each of them with Kubernetes' own.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/,
k8s.io/pod-security-admission/policy/registry.go (which control of Restricted replaces one of Baseline)
"""

from webhook.checks.check import Check
from webhook.checks.pod_security import (
    app_armor,
    capabilities_baseline,
    capabilities_restricted,
    host_namespaces,
    host_path_volumes,
    host_ports,
    host_probes,
    host_process,
    privilege_escalation,
    privileged_containers,
    proc_mount_baseline,
    proc_mount_restricted,
    run_as_non_root,
    run_as_user,
    se_linux,
    seccomp_baseline,
    seccomp_restricted,
    sysctls,
    volume_types,
)

_IN_BOTH: tuple[Check, ...] = (
    app_armor.CHECK,
    host_namespaces.CHECK,
    host_ports.CHECK,
    host_probes.CHECK,
    host_process.CHECK,
    privileged_containers.CHECK,
    se_linux.CHECK,
    sysctls.CHECK,
)

_REPLACED: tuple[Check, ...] = (
    capabilities_baseline.CHECK,
    host_path_volumes.CHECK,
    proc_mount_baseline.CHECK,
    seccomp_baseline.CHECK,
)
"""What Restricted says more strictly, so that nothing is found twice."""

_STRICTER: tuple[Check, ...] = (
    capabilities_restricted.CHECK,
    privilege_escalation.CHECK,
    proc_mount_restricted.CHECK,
    run_as_non_root.CHECK,
    run_as_user.CHECK,
    seccomp_restricted.CHECK,
    volume_types.CHECK,
)

BASELINE: tuple[Check, ...] = (*_IN_BOTH, *_REPLACED)
"""What the profile Baseline forbids."""

RESTRICTED: tuple[Check, ...] = (*_IN_BOTH, *_STRICTER)
"""What the profile Restricted forbids: Baseline, and more."""

CHECKS: tuple[Check, ...] = (*_IN_BOTH, *_REPLACED, *_STRICTER)
"""Every check of this family."""
