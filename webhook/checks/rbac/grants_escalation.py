"""The verbs by which somebody gets more than they have: `escalate`, `bind`, and every form of `impersonate`.

Rule: no role gives these verbs, by name anywhere, or as `*` on what they are about.
Fields: `rules[*]` of a Role or ClusterRole, what an update adds; `resourceNames` do not matter.
Allowed: other verbs; `*` on other resources than roles and clusterroles (group `rbac.authorization.k8s.io`), users,
    groups and serviceaccounts (core group), and everything of `authentication.k8s.io`.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#escalate-verb and the two sections after it;
    k8s.io/apiserver/pkg/endpoints/filters/impersonation/mode.go (impersonate:MODE, impersonate-on:MODE:VERB)
"""

from collections.abc import Iterator, Mapping

from webhook.checks.rbac.role import Rule, role_check
from webhook.checks.scope import ANY
from webhook.checks.wording import quoted

ID = "grants-escalation"

VERBS = frozenset({"bind", "escalate", "impersonate"})
FORMS = ("impersonate:", "impersonate-on:")
"""How the verbs of constrained impersonation begin."""

OBJECTS: Mapping[str, tuple[str, ...]] = {
    "": ("groups", "serviceaccounts", "users"),
    "authentication.k8s.io": (),
    "rbac.authorization.k8s.io": ("clusterroles", "roles"),
}
"""API group -> the resources that these verbs are about; none = all of them."""


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each verb, or for each resource on which `*` is one of them."""
    for index, verb in enumerate(rule.verbs):
        if verb in VERBS or verb.startswith(FORMS):
            yield f"{rule.path}.verbs[{index}] is {quoted(verb)}; remove it and have a person give the permission"
    if ANY in rule.verbs:
        given_on = (rule.gives(group, resources) for group, resources in OBJECTS.items())
        for given in dict.fromkeys(given for each in given_on for given in each):
            yield f"{given}, which covers escalate, bind or impersonate; name the verbs one by one"


CHECK = role_check(ID, judge)
