"""Whoever may approve or sign certificate requests can make a certificate for any user or node.

Rule: no role gives a permission to approve or sign certificates, or to say whom to trust.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: requesting certificates, and reading: `certificatesigningrequests`, `podcertificaterequests` with any verb;
    `get`, `list`, `watch` on their `approval` and `status` and on `clustertrustbundles`; nothing on `signers`.
Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#authorization,
    https://kubernetes.io/docs/concepts/security/rbac-good-practices/#csrs-and-certificate-issuing
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import READS, Rule, role_check

ID = "grants-certificates"

GROUP = "certificates.k8s.io"

SIGNERS = ("signers",)
"""Its verbs (approve, sign, attest) are permissions by themselves."""
SIGNED = (
    "certificatesigningrequests/approval",
    "certificatesigningrequests/status",
    "clustertrustbundles",
    "podcertificaterequests/status",
)
"""What is written when something is approved, signed or trusted."""


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each entry that covers approval, signing or trust."""
    found = dict.fromkeys((*rule.gives(GROUP, SIGNERS), *rule.gives(GROUP, SIGNED, but=READS)))
    for given in found:
        yield f"{given}, which covers approving or signing certificates; remove it and have a person approve them"


CHECK = role_check(ID, judge)
