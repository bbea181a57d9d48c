"""The `parameters` of a rule, read by each of its checks that has some.

A rule with several checks gives each of them what it knows; what none of them knows is refused.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from webhook.checks.check import Check, Parameters
from webhook.policy.problem import Problem, problems_of


def parameters_of(
    checks: Iterable[Check], given: Mapping[str, Any] | None, *, path: str, rule: str, problems: list[Problem]
) -> dict[str, Parameters]:
    """Return the parameters by check id; what is wrong is added to `problems`.

    path: the field path of the rule. given: the rule's `parameters`, None if it has none.
    """
    models = {check.id: check.parameters for check in checks if check.parameters is not None}
    problems.extend(_unknown(models.values(), given or {}, path, rule))
    read: dict[str, Parameters] = {}
    for check_id, model in models.items():
        own = {name: value for name, value in (given or {}).items() if name in _names(model)}
        try:
            read[check_id] = model.model_validate(own)
        except ValidationError as err:
            problems.extend(
                Problem(f"{path}.parameters.{each.path}", each.found, each.allowed, rule)
                for each in problems_of(err, model, own)
            )
    return read


def _unknown(models: Iterable[type[Parameters]], given: Mapping[str, Any], path: str, rule: str) -> Iterator[Problem]:
    known = sorted({name for model in models for name in _names(model)})
    for name in given:
        if name not in known:
            allowed = f"one of {', '.join(known)}" if known else "no parameters, the checks of this rule have none"
            yield Problem(f"{path}.parameters.{name}", "an unknown field", allowed, rule)


def _names(model: type[Parameters]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]
