"""How a function of ours is declared: its name in CEL, its types, what it answers.

Types that the library cannot have (quantity, IP, URL, ...) are maps of one entry, kind to text: such a value can be
compared, put into lists and handed on, and is never mistaken for a string. The library finds overloads by the kind of
their arguments only, so functions of the same name for two such types share one, and the kind decides.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cel_expr_python import cel

from webhook.policy.cel.calls import callable_for

BOOL, BYTES, DOUBLE, DYN, INT, STRING = (
    cel.Type.BOOL,
    cel.Type.BYTES,
    cel.Type.DOUBLE,
    cel.Type.DYN,
    cel.Type.INT,
    cel.Type.STRING,
)
LIST = cel.Type.LIST
STRINGS = cel.Type.List(STRING)
THING = cel.Type.Map(STRING, STRING)
"""A value of a type that the library cannot have."""
MAYBE = cel.Type.Map(STRING, DYN)
"""An optional of ours: `{"optional": value}` or `{}`."""


@dataclass(frozen=True, slots=True)
class Function:
    """One overload. A member function takes its receiver as the first parameter."""

    name: str
    parameters: tuple[Any, ...]
    returns: Any
    answer: Callable[..., Any]
    is_member: bool = False


def function(name: str, parameters: Iterable[Any], returns: Any, answer: Callable[..., Any]) -> Function:
    """Declare a function that is called by its name."""
    return Function(name, tuple(parameters), returns, answer)


def member(name: str, parameters: Iterable[Any], returns: Any, answer: Callable[..., Any]) -> Function:
    """Declare a function that is called on its first parameter."""
    return Function(name, tuple(parameters), returns, answer, is_member=True)


def thing(kind: str, text: str) -> dict[str, str]:
    """Make a value of an own type; equal values must have equal texts."""
    return {kind: text}


def text_of(kind: str, value: Mapping[str, Any]) -> str:
    """Return the text of an own value.

    Raises:
        ValueError: it is of another kind.
    """
    text = value.get(kind)
    if len(value) != 1 or not isinstance(text, str):
        raise ValueError(f"not a {kind}")
    return text


def by_kind(answers: Mapping[str, Callable[..., Any]]) -> Callable[..., Any]:
    """Make one function of several that differ by the kind of their receiver."""

    def answer(receiver: Mapping[str, Any], *more: Any) -> Any:
        for kind in receiver:
            if kind in answers:
                return answers[kind](receiver, *more)
        raise ValueError("no such overload")

    return answer


def extension(functions: Iterable[Function]) -> Any:
    """Make the library's extension of all functions."""
    overloads: dict[str, list[Any]] = {}
    for one in functions:
        made = overloads.setdefault(one.name, [])
        made.append(
            cel.Overload(
                f"kubernetes_{one.name}_{len(made)}",
                return_type=one.returns,
                parameters=list(one.parameters),
                is_member=one.is_member,
                impl=callable_for(one.answer, len(one.parameters)),
            )
        )
    return cel.CelExtension("kubernetes", [cel.FunctionDecl(name, found) for name, found in overloads.items()])
