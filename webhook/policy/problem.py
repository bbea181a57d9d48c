"""What is wrong with a policy, said so that its author can mend it: where, what was found, what is allowed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from webhook.checks.wording import one_line, quoted
from webhook.policy.fields import FORMS


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake. `rule` is the name of the rule that it is in, empty outside of rules."""

    path: str
    found: str
    allowed: str
    rule: str = ""

    def __str__(self) -> str:
        """Render in one line: `spec.rules[2].action: "Denny" is not allowed; use one of Deny, Hold, Warn`."""
        return one_line(f"{self.path}: {self.found} is not allowed; use {self.allowed}")


class InvalidPolicy(ValueError):
    """A policy is refused at apply, and denies its subjects everything if it is already stored."""

    def __init__(self, policy: str, problems: Sequence[Problem]) -> None:
        self.policy = policy
        self.problems = tuple(problems)
        super().__init__(f"policy {policy}: " + "; ".join(str(problem) for problem in self.problems))


def problems_of(error: ValidationError, model: type[BaseModel], document: Any) -> tuple[Problem, ...]:
    """Translate what pydantic found in `document`, read as `model`, in the order of the fields."""
    return tuple(
        Problem(
            path=field_path(detail["loc"]),
            found=_found(detail),
            allowed=_allowed(detail, model),
            rule=_rule_name(detail["loc"], document),
        )
        for detail in error.errors(include_url=False)
        if not _is_echo(detail)
    )


def field_path(loc: Sequence[int | str]) -> str:
    """Write a location as Kubernetes does: `spec.rules[2].match.operations[0]`."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc]
    return "".join(parts).removeprefix(".") or "(the whole object)"


def _is_echo(detail: ErrorDetails) -> bool:
    """Say whether a list is only too short because its wrong entries, each an error of its own, were dropped."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _found(detail: ErrorDetails) -> str:
    if detail["type"] == "missing":
        return "a missing value"
    if detail["type"] == "extra_forbidden":
        return "an unknown field"
    if detail["type"] == "too_short":
        return "an empty list"
    return quoted(detail["input"])


def _allowed(detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        return f"one of {', '.join(_fields_at(detail['loc'][:-1], model))}"
    say = _ALLOWED.get(detail["type"])
    return say(detail.get("ctx", {})) if say else detail["msg"]


def _words(context: Mapping[str, Any]) -> str:
    return "one of " + str(context["expected"]).replace("'", "").replace(" or ", ", ")


def _least(of: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda context: of.format(f"at least {context['min_length']}")


def _most(of: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda context: of.format(f"at most {context['max_length']}")


def _plain(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _: text


_ALLOWED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "bool_type": _plain("true or false"),
    "dict_type": _plain("an object"),
    "enum": _words,
    "greater_than_equal": lambda context: f"a whole number from {context['ge']}",
    "int_type": _plain("a whole number"),
    "mapping_type": _plain("an object"),
    "less_than_equal": lambda context: f"a whole number up to {context['le']}",
    "literal_error": _words,
    "missing": _plain("a value, the field is required"),
    "model_type": _plain("an object"),
    "string_pattern_mismatch": lambda context: FORMS[context["pattern"]],
    "string_too_long": _most("a string of {} characters"),
    "string_too_short": _least("a string of {} characters"),
    "string_type": _plain("a string"),
    "too_long": _most("a list of {} entries"),
    "too_short": _least("a list of {} entries"),
    "tuple_type": _plain("a list"),
}
"""Kind of error in pydantic -> what is allowed instead, from the error's context."""


def _fields_at(loc: Sequence[int | str], model: type[BaseModel]) -> list[str]:
    """List the fields that the model at this location knows, by their names on the wire."""
    for part in loc:
        fields = {field.alias or name: field for name, field in model.model_fields.items()}
        if isinstance(part, str) and part in fields:
            model = _model_in(fields[part].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inside = (_model_in(argument) for argument in getattr(annotation, "__args__", ()))
    return next((model for model in inside if model is not None), None)


def _rule_name(loc: Sequence[int | str], document: Any) -> str:
    if loc[:2] != ("spec", "rules") or len(loc) < 3:
        return ""
    try:
        name = document["spec"]["rules"][loc[2]]["name"]
    except (KeyError, IndexError, TypeError):
        return ""
    return name if isinstance(name, str) else ""
