"""A wildcard permits what nobody has read, and what the cluster will serve tomorrow.

Rule: no role says `*` for verbs, API groups or resources, or for all URLs.
Fields: `verbs`, `apiGroups`, `resources` and `nonResourceURLs` of `rules[*]` of a Role or ClusterRole, what an update
    adds.
Allowed: names; of URLs also those that end in `*` after a name, such as `/healthz/*`.
Source: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#least-privilege
"""

from collections.abc import Iterator

from webhook.checks.rbac.role import Rule, role_check
from webhook.checks.scope import ANY
from webhook.checks.wording import quoted

ID = "grants-wildcards"


def judge(rule: Rule) -> Iterator[str]:
    """Yield one message for each wildcard."""
    lists = (("verbs", rule.verbs), ("apiGroups", rule.groups), ("resources", rule.resources))
    for field, values in lists:
        for index, value in enumerate(values):
            if value.startswith(ANY):
                yield f"{rule.path}.{field}[{index}] is {quoted(value)}; name the {field} one by one"
    for index, url in enumerate(rule.urls):
        if url.rstrip(ANY) in {"", "/"} and url.endswith(ANY):
            yield f"{rule.path}.nonResourceURLs[{index}] is {quoted(url)}; name the nonResourceURLs one by one"


CHECK = role_check(ID, judge)
