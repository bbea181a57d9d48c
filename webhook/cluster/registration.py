"""Policies as the objects that make the API server ask us: a pure function. `registrar` writes them.

Every write of an agent is delivered as long as a policy wants the laundering checks, which look at all objects; the
policies' own rules else. Up to three webhooks bring requests to the same judge: `rules` the resources that policies
name, in one version each; `wildcards` the others, in the client's version; `self`, where `wildcards` does not bring
everything, what the always-on rules are about. One request must not be delivered twice: two calls would be two claims
of one approval. So each leaves out what those before it deliver, and of several selections each leaves out those
before it.

A selection is over the subjects of all policies, and so are the rules: an agent may be delivered because of what
another policy asks. The judge decides by the policies that name it.

Where a policy has rules that mutate, `rules` and `wildcards` stand in a mutating configuration too, for the subjects of
such policies and what those rules are about. Whatever of that is brought to the judge is brought there first: a value
that was never written would be denied as one that did not stand.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from webhook.admission.request import CREDENTIAL_ID, SERVICE_ACCOUNT_PREFIX, TOKEN_ID
from webhook.checks.scope import ANY, EVERYTHING, Scope
from webhook.cluster import flow, names
from webhook.cluster.manifests import Behaviour, Endpoint, Manifest, configuration, webhook
from webhook.cluster.rules import NO_REVIEWS, Served, delivered, exclusions, rules_of
from webhook.cluster.selection import USERNAME, listed, quoted, selections
from webhook.policy.compile import PolicySet
from webhook.policy.compiled import Named
from webhook.policy.fields import Default

JUDGE = Behaviour("Fail", "NoneOnDryRun", 30)
"""30 s is the longest that Kubernetes allows: a held call waits."""

MUTATE = Behaviour("Fail", "None", 10)
"""Values are worked out and forgotten, so dry runs get them too."""

DECIDE = Behaviour("Fail", "NoneOnDryRun", 10)
GUARD = Behaviour("Fail", "None", 10)
HELP = Behaviour("Ignore", "None", 10)
"""For people's policies: refused while we are down, a broken installation could not be mended. Agents' are not let in:
the policies' own webhooks are closed to them."""

PROTECTED_GROUPS = (
    names.GROUP,
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "rbac.authorization.k8s.io",
)
"""Groups in which an object of any name may switch us off; which of them do, `policy.protection` says."""

DISJOINT_LIMIT = 3
"""So many selections can each carry all before it and stay below the 1.5 MiB of an object: 3 x (1+2+3) x 50 KB. Beyond
(some 2,500 subjects, 400 globs of groups) a caller in two of them is delivered twice, and a held CREATE is refused.
"""


Entry = tuple[str, list[Manifest], list[Manifest]]
"""Name, rules and match conditions of one webhook, for each selection of subjects."""


@dataclass(frozen=True, slots=True)
class Registration:
    """All objects that must stand, as we want them. Their repr is hidden: the path secret is in them."""

    revision: str
    policies: Manifest = field(repr=False)
    mutations: Manifest = field(repr=False)
    guards: tuple[Manifest, Manifest] = field(repr=False)
    """Validating, mutating."""
    flow: tuple[Manifest, Manifest] = field(repr=False)
    """PriorityLevelConfiguration, FlowSchema."""


def configurations(policies: PolicySet, *, endpoint: Endpoint, served: Served) -> Registration:
    """Return everything that must stand for this set of policies."""
    return Registration(
        revision=policies.revision,
        policies=policies_configuration(policies, endpoint=endpoint, served=served),
        mutations=mutations_configuration(policies, endpoint=endpoint, served=served),
        guards=guard_configurations(endpoint),
        flow=(flow.priority_level(), flow.flow_schema(policies.subjects, namespace=endpoint.namespace)),
    )


def delivers_everything(policy: Named) -> bool:
    """Say whether a policy needs each write of its subjects: a laundered write can be any."""
    return policy.defaults.laundering is Default.DENY


def policies_configuration(policies: PolicySet, *, endpoint: Endpoint, served: Served) -> Manifest:
    """Return the configuration that sends agents' requests to the judge; no webhook in it when there are no agents."""
    stored = (*policies.policies, *policies.broken)
    scopes = [scope for policy in stored for scope in policy.scopes]
    everything = any(delivers_everything(policy) for policy in stored)
    entries = _entries(scopes, served, own_namespace=endpoint.namespace, everything=everything)
    address = endpoint.client_config(f"policies/{policies.revision}")
    webhooks = _for_agents(policies, "policy", entries, address, behaviour=JUDGE)
    return configuration("ValidatingWebhookConfiguration", names.POLICIES_CONFIGURATION, webhooks)


def mutations_configuration(policies: PolicySet, *, endpoint: Endpoint, served: Served) -> Manifest:
    """Return the configuration that has the values of Mutate rules written; no webhook in it when there are none."""
    mutating = tuple(policy for policy in policies.policies if policy.mutations)
    wanted = rules_of([scope for policy in mutating for scope in policy.mutation_scopes], served)
    judged = exclusions(scope for policy in (*policies.policies, *policies.broken) for scope in policy.scopes)
    entries = _named_and_others(wanted, _unless(_protected(endpoint.namespace), judged))
    address = endpoint.client_config(f"mutations/{policies.revision}", room="policies")
    webhooks = _for_agents(
        replace(policies, policies=mutating, broken=()), "mutation", entries, address, behaviour=MUTATE
    )
    # Again when somebody after us changed the object; what stands in the end, the validating side looks at.
    for one in webhooks:
        one["reinvocationPolicy"] = "IfNeeded"
    return configuration("MutatingWebhookConfiguration", names.POLICIES_CONFIGURATION, webhooks)


def _for_agents(
    policies: PolicySet, what: str, entries: Sequence[Entry], address: Manifest, *, behaviour: Behaviour
) -> list[Manifest]:
    """Write each entry for each selection of the subjects."""
    webhooks: list[Manifest] = []
    for number, agents in enumerate(_agent_conditions(selections(policies)), start=1):
        suffix = f".{what}.{names.GROUP}" if number == 1 else f"-{number}.{what}.{names.GROUP}"
        webhooks += [
            webhook(f"{name}{suffix}", address, rules=rules, behaviour=behaviour, conditions=[*agents, *conditions])
            for name, rules, conditions in entries
            if rules
        ]
    return webhooks


def guard_configurations(endpoint: Endpoint) -> tuple[Manifest, Manifest]:
    """Return the validating and the mutating configuration of the guards. They depend on no policy."""

    def guard(name: str, path: str, behaviour: Behaviour, *, operations: list[str], resources: list[str]) -> Manifest:
        rule = {
            "operations": operations,
            "apiGroups": [names.GROUP],
            "apiVersions": [names.VERSION],
            "resources": resources,
            "scope": ANY,
        }
        address = endpoint.client_config(f"guards/{path}")
        return webhook(f"{name}.guard.{names.GROUP}", address, rules=[rule], behaviour=behaviour)

    approvals = guard(
        "approvals",
        "approvals/validate",
        GUARD,
        operations=["CREATE", "UPDATE", "DELETE"],
        resources=["approvals", "approvals/status"],
    )
    policies = guard(
        "policies", "policies/validate", HELP, operations=["CREATE", "UPDATE"], resources=["agentpolicies"]
    )
    # No match condition on the annotation: nothing that may be a decision escapes.
    decisions = guard("decisions", "approvals/decide", DECIDE, operations=["UPDATE"], resources=["approvals"])
    decisions["reinvocationPolicy"] = "Never"
    name = names.GUARDS_CONFIGURATION
    return (
        configuration("ValidatingWebhookConfiguration", name, [approvals, policies]),
        configuration("MutatingWebhookConfiguration", name, [decisions]),
    )


def _agent_conditions(selected: Sequence[str]) -> Iterable[list[Manifest]]:
    """Yield the match conditions of each selection: it, and none of those before it."""
    for index, expression in enumerate(selected):
        earlier = selected[:index] if len(selected) <= DISJOINT_LIMIT else ()
        not_earlier = [{"name": f"not-agents-{n}", "expression": f"!({one})"} for n, one in enumerate(earlier, start=1)]
        yield [{"name": "agents", "expression": expression}, *not_earlier]


def _entries(scopes: Sequence[Scope], served: Served, *, own_namespace: str, everything: bool) -> list[Entry]:
    """Return the webhooks of one selection, without its own conditions."""
    wanted, excluded, protected = rules_of(scopes, served), exclusions(scopes), _protected(own_namespace)
    rules, wildcards = _named_and_others(wanted, excluded)
    if everything:
        not_named = wildcards[2][len(excluded) :]
        return [rules, ("wildcards", rules_of([EVERYTHING], {}), [*_unless(protected, excluded), *not_named])]
    passed = " && ".join(f"({one['expression']})" for one in excluded)
    not_by_rules = _none_of("not-by-rules", [f"({text}) && {passed}" for text in delivered(wanted)])
    always = [NO_REVIEWS, {"name": "protected", "expression": protected}, *not_by_rules]
    return [rules, wildcards, ("self", rules_of([EVERYTHING], {}), always)]


def _named_and_others(wanted: Sequence[Manifest], excluded: Sequence[Manifest]) -> tuple[Entry, Entry]:
    """Part rules by whether they come in one version or the client's; the second leaves out what the first brings."""
    named = [rule for rule in wanted if ANY not in rule["apiVersions"]]
    others = [rule for rule in wanted if ANY in rule["apiVersions"]]
    not_named = _none_of("not-named", delivered(named))
    return ("rules", named, [*excluded]), ("wildcards", others, [*excluded, *not_named])


def _none_of(name: str, expressions: Sequence[str]) -> list[Manifest]:
    """Return match conditions that hold together when no expression does; each of them is of bounded size."""
    return [{"name": f"{name}-{n}", "expression": f"!({text})"} for n, text in enumerate(expressions, start=1)]


def _unless(protected: str, excluded: Iterable[Mapping[str, str]]) -> list[Manifest]:
    """Return the exclusions without what the always-on rules are about; reviews stay excluded."""
    return [
        dict(one) if one == NO_REVIEWS else {**one, "expression": f"{one['expression']} || {protected}"}
        for one in excluded
    ]


def _protected(own_namespace: str) -> str:
    """Return CEL for what only the always-on rules are about."""
    namespaces, credential = listed([own_namespace, "kube-system"]), quoted(CREDENTIAL_ID)
    return " || ".join(
        (
            f"(has(request.namespace) && request.namespace in {namespaces})",
            "(request.resource.group == '' && request.resource.resource == 'namespaces' && "
            f"(!has(request.name) || request.name in {namespaces}))",
            f"request.resource.group in {listed(PROTECTED_GROUPS)}",
            f"request.resource.group.endsWith({quoted('.' + names.GROUP)})",
            f"({USERNAME}.startsWith({quoted(SERVICE_ACCOUNT_PREFIX)}) && !(has(request.userInfo.extra) && "
            f"{credential} in request.userInfo.extra && "
            f"size(request.userInfo.extra[{credential}]) > 0 && "
            f"request.userInfo.extra[{credential}][0].startsWith({quoted(TOKEN_ID)})))",
        )
    )
