"""The page docs/policies.md, made of the descriptions in the CustomResourceDefinition. Pure.

`python -m webhook.policy.documentation < manifests/crds/agentpolicies.yaml` prints it.

An object is a heading that is its path, so that `policies.md#specrulesmatch` leads to it; its fields are points.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from webhook.checks.documentation import escaped
from webhook.policy.fields import FORMS

_HEAD = """# Policies

<!-- Generated from manifests/crds/agentpolicies.yaml and webhook/policy/documentation.py: change those, then run
`make docs`. -->

An AgentPolicy says what agents may do, and what a person must approve first.

```yaml
{example}```

`kubectl apply` refuses what is wrong, with the field and what is allowed; `kubescrow policy lint` says the same without
a cluster, and [`kubescrow policy check`](policy-check.md) what a policy would do to manifests.

## How a rule is judged

1. `match`: operations, groups, versions, resources, names and namespaces, with their excludes; then
   `namespaceSelector`, `objectSelector` and `matchConditions`. All that are given must hold. What is not known (a name
   that is still to be generated, labels that cannot be read, a Namespace that cannot be found) counts as matched.
2. `check` or `checks`: one of them must find something.
3. `condition` must be true.
4. Then `action` follows. Every rule of every policy that names the caller is judged, and all findings are in the
   answer.

`objectSelector` looks at the object before and after the write, and either is enough: a label cannot be taken off, or
put on, to escape a rule.

## How a Mutate is judged

Values are written first, before any other rule is judged and before people are asked. If another webhook changes the
object after that, we write again. When all are done the values must stand, else the request is denied: nobody undoes
one in silence. A value that the API server drops or stores in another form is denied too, and one for a field that
cannot be changed any more is refused by the API server. Objects of Kubescrow and of its namespace are never written.
In mode Observe nothing is written; what would have been is in the audit annotations.

Name resources rather than wildcards where you can: a named resource comes in one version, so that paths fit whatever
version the agent uses."""

EXAMPLE = """\
apiVersion: kubescrow.dev/v1alpha1
kind: AgentPolicy
metadata: {name: production}
spec:
  subjects:
  - serviceAccount: {namespace: agents, name: "*"}
  params: {registry: registry.example.com/}
  rules:
  - name: only-our-images
    match:
      operations: [CREATE, UPDATE]
      apiGroups: [apps]
      resources: [deployments]
      namespaceSelector: {matchLabels: {env: prod}}
    condition: object.spec.template.spec.containers.exists(c, !c.image.startsWith(params.registry))
    message: "'use an image of ' + params.registry"
    action: Deny
  - name: keep-what-is-locked
    match:
      operations: [UPDATE, DELETE]
      resources: ["*"]
      objectSelector: {matchLabels: {example.com/locked: "true"}}
    action: Hold
  - name: mark-authors
    match: {operations: [CREATE, UPDATE], apiGroups: [apps], resources: [deployments]}
    action: Mutate
    set:
      metadata.annotations["example.com/requested-by"]: request.userInfo.username
      spec.template.spec.containers[*].imagePullPolicy: "'Always'"
"""
"""A policy that a reader may copy; tests compile it."""

Schema = Mapping[str, Any]


def page(definition: Schema) -> str:
    """Return the whole page for this CustomResourceDefinition."""
    [version] = definition["spec"]["versions"]
    properties = version["schema"]["openAPIV3Schema"]["properties"]
    parts = [_HEAD.format(example=EXAMPLE), "## Fields"]
    told: dict[str, str] = {}
    for name in ("spec", "status"):
        parts.extend(_object(name, properties[name], told))
    return "\n\n".join(parts) + "\n"


def anchor(path: str) -> str:
    """Return what GitHub makes of a heading."""
    return re.sub(r"[^a-z0-9 -]", "", path.lower())


def _object(path: str, schema: Schema, told: dict[str, str]) -> Iterator[str]:
    """Yield a heading and the fields of an object, then the objects in it; the same fields are told once."""
    yield f"### {path}"
    if "description" in schema:
        yield escaped(schema["description"])
    fields = schema["properties"]
    earlier = told.setdefault(repr(fields), path)
    if earlier != path:
        yield f"Fields: as in [{earlier}](#{anchor(earlier)})."
        return
    required = schema.get("required", ())
    yield "\n".join(_field(path, name, field, is_required=name in required) for name, field in fields.items())
    rules = [_sentence(rule["message"]) for rule in schema.get("x-kubernetes-validations", ())]
    if rules:
        yield "\n".join(["What must hold besides:", "", *(f"* {rule}" for rule in rules)])
    for name, field in fields.items():
        below = _element(field)
        if "properties" in below:
            yield from _object(_path(path, name, field), below, told)


def _path(path: str, name: str, field: Schema) -> str:
    return f"{path}.{name}[]" if field["type"] == "array" else f"{path}.{name}"


def _element(field: Schema) -> Schema:
    return field["items"] if field.get("type") == "array" else field


def _field(path: str, name: str, field: Schema, *, is_required: bool) -> str:
    facts = [_type(path, name, field), *_allowed(field)]
    if is_required:
        facts.append("required")
    if field.get("default", {}) != {}:
        facts.append(f"default `{_written(field['default'])}`")
    description = escaped(field.get("description", _element(field).get("description", "")))
    return f"- **`{name}`** ({'; '.join(facts)}): {description}"


def _type(path: str, name: str, field: Schema) -> str:
    """Say what a field holds; an object that has a heading is a link."""
    element = _element(field)
    if "x-kubernetes-int-or-string" in element:
        kind = "number or string"
    elif "properties" in element:
        where = _path(path, name, field)
        kind = f"[{element['type']}](#{anchor(where)})"
    elif "additionalProperties" in element:
        kind = f"object of {_type('', '', element['additionalProperties'])}s"
    else:
        kind = str(element.get("type", "any value"))
    return f"list of {kind}s" if field.get("type") == "array" else kind


def _allowed(field: Schema) -> Iterator[str]:
    element = _element(field)
    if "enum" in element:
        yield " or ".join(f"`{word}`" for word in element["enum"])
    elif element.get("pattern") in FORMS:
        yield escaped(FORMS[element["pattern"]])
    for least, most, what in (
        ("minimum", "maximum", ""),
        ("minItems", "maxItems", " entries"),
        ("minProperties", "maxProperties", " entries"),
    ):
        if most in field and "enum" not in element:
            yield f"{field.get(least, 0)} to {field[most]}{what}"


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sentence(message: str) -> str:
    return escaped(message[0].upper() + message[1:] + ".")


if __name__ == "__main__":
    sys.stdout.write(page(yaml.safe_load(sys.stdin)))
