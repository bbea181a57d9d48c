"""One AgentPolicy: its identity and its spec, read from the object that the API server holds.

Source: manifests/crds/agentpolicies.yaml, which refuses by schema whatever is refused here
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, Field, StrictInt, ValidationError

from webhook.checks.wording import one_line
from webhook.policy.consistency import inconsistencies
from webhook.policy.fields import PolicyName
from webhook.policy.problem import InvalidPolicy, Problem, problems_of
from webhook.policy.spec import Spec

__all__ = ["AgentPolicy", "InvalidPolicy", "Problem", "Spec", "parse_policy", "readable_name"]

NAME_LIMIT = 253
"""Characters of an object name. Source: k8s.io/apimachinery/pkg/api/validation"""

UNNAMED = "(unnamed)"
"""Stands for the name of an object that has none that can be read."""


@dataclass(frozen=True, slots=True)
class AgentPolicy:
    """One policy as it was written; `uid` and `generation` say which writing of it."""

    name: str
    uid: str
    generation: int
    spec: Spec


class _Metadata(BaseModel):
    name: PolicyName
    uid: str = ""
    generation: StrictInt = 0


class _Envelope(BaseModel):
    """The object around the spec. Fields of Kubernetes that we do not read are let through."""

    api_version: Literal["kubescrow.dev/v1alpha1"] = Field(alias="apiVersion", default="kubescrow.dev/v1alpha1")
    kind: Literal["AgentPolicy"] = "AgentPolicy"
    metadata: _Metadata
    spec: Spec


def parse_policy(obj: Mapping[str, Any]) -> AgentPolicy:
    """Read an AgentPolicy.

    Raises:
        InvalidPolicy: a field is unknown, missing, out of bounds or contradicts another; with all such problems.
    """
    try:
        envelope = _Envelope.model_validate(obj)
    except ValidationError as err:
        raise InvalidPolicy(readable_name(obj), problems_of(err, _Envelope, obj)) from err
    metadata = envelope.metadata
    problems = inconsistencies(metadata.name, envelope.spec)
    if problems:
        raise InvalidPolicy(metadata.name, problems)
    return AgentPolicy(metadata.name, metadata.uid, metadata.generation, envelope.spec)


def readable_name(obj: Any) -> str:
    """Return the name of an object of any shape, in one visible line; `(unnamed)` if it has none."""
    metadata = obj.get("metadata") if isinstance(obj, Mapping) else None
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return (one_line(name, NAME_LIMIT) if isinstance(name, str) else "") or UNNAMED
