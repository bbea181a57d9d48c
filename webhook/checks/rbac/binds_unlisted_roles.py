"""A binding names its role and does not show the rules of it: only roles that a person has looked at are bound.

Rule: a binding gives somebody only roles that the policy lists.
Fields: `roleRef` of a RoleBinding or ClusterRoleBinding, if the write adds a subject.
Allowed: what `parameters.roles` lists; a binding that is only labelled, or loses subjects.
Source: k8s.io/api/rbac/v1/types.go (RoleRef is a name); the role can be changed before and after it is bound
"""

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from webhook.admission.subject import glob_matches
from webhook.checks.check import Parameters
from webhook.checks.rbac.binding import Binding, binding_check
from webhook.checks.rbac.role import listed

ID = "binds-unlisted-roles"

# A kind, a slash, and a name of 253 characters; `*` only at its ends, so that a match is one string comparison.
ROLE_LIMIT = len("ClusterRole/") + 253
ROLE = re.compile(r"(ClusterRole|Role)/([*]?[^*]+[*]?|[*])")


def _role(value: Any) -> Any:
    if not (isinstance(value, str) and len(value) <= ROLE_LIMIT and ROLE.fullmatch(value)):
        raise PydanticCustomError("role", "ClusterRole/NAME or Role/NAME, with * at the start or end of NAME at most")
    return value


class Roles(Parameters):
    """Which roles are known to be fine."""

    # 100 names are more than a reader can check, and 100 comparisons are still only microseconds.
    roles: Annotated[tuple[Annotated[str, BeforeValidator(_role)], ...], Field(max_length=100)] = Field(
        default=("ClusterRole/view",),
        description="The roles that may be bound, each `ClusterRole/NAME` or `Role/NAME`; `*` at the start or end of "
        "a name at most.",
    )


def judge(binding: Binding, parameters: Any) -> Iterator[str]:
    """Yield one message if the role is not listed."""
    roles = (parameters if isinstance(parameters, Roles) else Roles()).roles
    if not any(_is_listed(binding, role) for role in roles):
        yield f"{binding.title}, which is none of parameters.roles ({listed(roles) or 'empty'}); bind one of these"


def _is_listed(binding: Binding, role: str) -> bool:
    kind, _, glob = role.partition("/")
    return binding.role_kind == kind and glob_matches(glob, binding.role_name)


CHECK = binding_check(ID, judge, Roles)
