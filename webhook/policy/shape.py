"""An object made for one expression: it has every field that the expression reads, and each is large.

Ordinary samples lack most fields, so a costly part is never reached. Where a loop runs there is a list, whose elements
have the fields that the loop reads; everything else is a text.
"""

from typing import Any

from webhook.policy.cel.environment import VARIABLES
from webhook.policy.cel.tree import Call, Loop, Made, Name, Node, Select

_Shape = dict[str, Any]
_ELEMENT = "*"


def shaped(tree: Node, *, entries: int, text: str) -> dict[str, Any]:
    """Return a value for each variable, with lists of so many entries and this text at the end of each path."""
    shapes: dict[str, _Shape] = {name: {} for name in VARIABLES}
    _visit(tree, shapes)
    return {name: _filled(shapes[name], entries, text) for name in VARIABLES}


def _visit(node: Node, bound: dict[str, _Shape]) -> _Shape:
    """Note in the shapes of the variables what is read; return the shape of the node's own value."""
    match node:
        case Name(name):
            return bound.get(name, {})
        case Select(operand, name, _):
            return _visit(operand, bound).setdefault(name, {})  # type: ignore[no-any-return]
        case Call(function, inner):
            shapes = [_visit(one, bound) for one in inner]
            return shapes[0] if function in {"_[_]", "_[?_]", "_?._"} else {}
        case Made(inner, _):
            for one in inner:
                _visit(one, bound)
        case Loop():
            element: _Shape = _visit(node.range, bound).setdefault(_ELEMENT, {})
            inside = {**bound, node.variable: element, node.accumulator: _visit(node.start, bound)}
            for one in (node.condition, node.step):
                _visit(one, inside)
            return _visit(node.result, inside)
    return {}


def _filled(shape: _Shape, entries: int, text: str) -> Any:
    if _ELEMENT in shape:
        return [_filled(shape[_ELEMENT], max(1, entries // 10), text) for _ in range(entries)]
    return {name: _filled(inner, entries, text) for name, inner in shape.items()} or text
