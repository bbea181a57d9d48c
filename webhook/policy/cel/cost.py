"""What evaluating an expression can take at most, on objects of a given size, before it is ever evaluated.

The library's own budget counts the rounds of loops, not what happens in one: 9,000 rounds that each copy a list or
search a text of a megabyte are within it and take minutes, and agents choose the objects. So the tree of each
expression is walked once with sizes instead of values. How the worst object distributes its size over the elements of
a list is tried out: into one, into as many as there can be, and powers of ten between.

An estimate, not a proof: it errs to the safe side by construction, and tests try it against objects made to be bad.

Source: the idea is cel-go's cost estimator; the numbers were measured (see `functions`)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from webhook.policy.cel.functions import NotBounded, cost_of
from webhook.policy.cel.size import SCALAR, Size
from webhook.policy.cel.tree import Call, Literal, Loop, Made, Name, Node, Select

__all__ = ["Bound", "NotBounded", "bound_of"]

ROUNDS = 10_000
"""Rounds of all loops together, after which the library stops."""

_NODE_NS = 60.0
"""Time for one step of an expression, without what functions do."""

# An expression of 10,000 characters has about 3,000 nodes, two loops in each other try each of them 25 times.
_STEPS_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Bound:
    """At most so long, and at most so much memory until it ends."""

    ns: float
    alloc_bytes: float


def bound_of(tree: Node, *, nodes: int, text: int, variables: tuple[str, ...]) -> Bound:
    """Bound the evaluation of an expression on variables of so many values and characters in all.

    Raises:
        NotBounded: the cost of a call cannot be known, or there are too many loops within loops.
    """
    everything = Size(nodes, nodes, text)
    walk = _Walk()
    walk.size(tree, _Scope(dict.fromkeys(variables, everything), {}))
    return Bound(walk.ns, walk.alloc)


@dataclass(frozen=True, slots=True)
class _Scope:
    """Sizes of the variables, and which loop variable runs over what: `over[key]` is one element for each key."""

    sizes: Mapping[str, Size]
    ranges: Mapping[str, tuple[Node, Size]]


class _Walk:
    """Adds up what every step costs, times how often it is taken."""

    def __init__(self) -> None:
        self.ns = 0.0
        self.alloc = 0.0
        self._times = 1.0
        self._steps = 0

    def size(self, node: Node, scope: _Scope) -> Size:
        """Return how large the value can be, and add its cost."""
        self._steps += 1
        if self._steps > _STEPS_LIMIT:
            raise NotBounded("it has too many loops within loops")
        self._add(_NODE_NS, 0)
        match node:
            case Literal(value):
                return Size(0, 1, len(value)) if isinstance(value, str | bytes) else SCALAR
            case Name(name):
                return scope.sizes.get(name, SCALAR)
            case Select(operand, _, is_test):
                inner = self.size(operand, scope)
                return SCALAR if is_test else Size(inner.entries, inner.nodes, inner.text)
            case Made(values, entries):
                return self._made(values, entries, scope)
            case Call():
                return self._call(node, scope)
            case Loop():
                return self._loop(node, scope)

    def _add(self, ns: float, alloc: float) -> None:
        self.ns += ns * self._times
        self.alloc += alloc * self._times

    def _made(self, values: tuple[Node, ...], entries: int, scope: _Scope) -> Size:
        total = Size(entries, 1, 0, is_list=True)
        for value in values:
            inner = self.size(value, scope)
            total = Size(entries, total.nodes + inner.nodes, total.text + inner.text, is_list=True)
        self._add(40 * len(values), 64 + 64 * len(values))
        return total

    def _call(self, node: Call, scope: _Scope) -> Size:
        sizes = tuple(self.size(argument, scope) for argument in node.arguments)
        if node.function == "_[_]":
            key = node.arguments[1]
            over = scope.ranges.get(key.name) if isinstance(key, Name) else None
            if over is not None and over[0] == node.arguments[0]:
                return over[1]
        cost = cost_of(node.function, sizes, node.arguments)
        self._add(cost.ns, cost.alloc)
        return cost.answer

    def _loop(self, node: Loop, scope: _Scope) -> Size:
        over, start = self.size(node.range, scope), self.size(node.start, scope)
        ns, alloc, times = self.ns, self.alloc, self._times
        worst = Bound(0, 0)
        accumulated = start
        for rounds in _counts(min(over.entries, ROUNDS / times)):
            self.ns = self.alloc = 0.0
            self._times = times * rounds
            accumulated = accumulated.at_least(self._rounds(node, scope, over, start, rounds))
            worst = Bound(max(worst.ns, self.ns), max(worst.alloc_bytes, self.alloc))
        self.ns, self.alloc, self._times = ns + worst.ns, alloc + worst.alloc_bytes, times
        return self.size(node.result, _with(scope, {node.accumulator: accumulated}))

    def _rounds(self, node: Loop, scope: _Scope, over: Size, start: Size, rounds: float) -> Size:
        """Add the cost of so many rounds; return how large what they gather can be at the end."""
        element = over.part(rounds)
        ranges = {**scope.ranges, node.variable: (node.range, element)}
        inside = _with(_Scope(scope.sizes, ranges), {node.variable: element, node.accumulator: start})
        once = self.size(node.step, inside)
        grown = once.without(start)
        if grown.entries:  # it gathers: on average half of the end is there
            half = start.with_more(grown, rounds / 2)
            self.ns = self.alloc = 0.0
            self.size(node.step, _with(inside, {node.accumulator: half}))
        self.size(node.condition, inside)
        return start.with_more(grown, rounds)


def _with(scope: _Scope, sizes: Mapping[str, Size]) -> _Scope:
    return _Scope({**scope.sizes, **sizes}, scope.ranges)


def _counts(most: float) -> Iterator[float]:
    count = 1.0
    while count < most:
        yield count
        count *= 10
    if most > 0:
        yield max(1.0, most)
