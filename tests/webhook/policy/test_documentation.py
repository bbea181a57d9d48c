"""docs/policies.md is what the definition says, and what it shows works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from tests.webhook.policy.language import asks
from webhook.policy.compile import compile_policy, compile_set
from webhook.policy.documentation import EXAMPLE, anchor, page
from webhook.policy.model import parse_policy
from webhook.policy.mutation import mutate
from webhook.policy.protection import Protected

ROOT = Path(__file__).parents[3]
CRD = yaml.safe_load((ROOT / "manifests/crds/agentpolicies.yaml").read_text())


def test_the_page_is_current() -> None:
    """Whoever changes the definition writes the page anew."""
    assert (ROOT / "docs/policies.md").read_text() == page(CRD), "run: make docs"


def test_every_field_is_on_the_page() -> None:
    """As often as the definition has it, but for objects that are the same as one before."""
    text = page(CRD)
    schema = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    for name in _names({"properties": schema}) - {"spec", "status"}:
        assert f"- **`{name}`** (" in text


def test_every_link_leads_somewhere() -> None:
    """To a heading of the page."""
    text = page(CRD)
    headings = {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)}
    assert set(re.findall(r"\]\(#(.*?)\)", text)) <= headings


def test_the_example_can_be_applied() -> None:
    """And writes what it says to the Deployment of an agent."""
    example = yaml.safe_load(EXAMPLE)
    compile_policy(parse_policy(example))
    spec = {"template": {"spec": {"containers": [{"name": "a", "image": "registry.example.com/a"}]}}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}
    patch = mutate(asks("CREATE", deployment), compile_set([example]), protected=Protected()).patch
    assert [one["value"] for one in patch] == [
        {"example.com/requested-by": "system:serviceaccount:agents:bot"}, "Always"]  # fmt: skip


def _names(schema: dict[str, Any]) -> set[str]:
    element = schema.get("items", schema)
    fields: dict[str, Any] = element.get("properties", {})
    return {*fields, *(name for field in fields.values() for name in _names(field))}
