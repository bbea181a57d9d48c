"""Calls into our functions lose nothing: the server lives for months, and agents choose how often they are called."""

from __future__ import annotations

import gc
import sys
import tracemalloc

from tests.webhook.policy.language import asks
from webhook.policy.expression import ExpressionError, Variables, compile_expression


def evaluate(source: str, times: int) -> None:
    expression = compile_expression(source, returns="bool")
    obj = {"l": [f"number {n}" for n in range(500)], "n": [None] * 50, "t": "text " * 50}
    for _ in range(times):
        variables = Variables.of(asks("CREATE", obj, resource="things"), clock=lambda: 0.0)
        try:
            expression.evaluate(variables)
        except ExpressionError:
            assert "sum" in source


def growth(source: str) -> int:
    """Return by how many bytes Python's memory has grown after 60 evaluations."""
    evaluate(source, 20)
    gc.collect()
    tracemalloc.start()
    try:
        evaluate(source, 20)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        evaluate(source, 60)
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_arguments_and_answers_are_given_back() -> None:
    """A list of 500 texts for each of 60 calls would be 2 MB."""
    assert growth("object.l.indexOf('x') == -1 && object.t.findAll('text').size() == 50") < 200_000


def test_they_are_given_back_after_an_error() -> None:
    """The function raises in the middle of an evaluation."""
    assert growth("object.l.sum() == 0") < 200_000


def test_none_is_counted_rightly() -> None:
    """An argument with None in it must neither lose nor win references to it: at zero the interpreter ends."""
    evaluate("object.n.indexOf(1) == -1", 20)
    before = sys.getrefcount(None)
    evaluate("object.n.indexOf(1) == -1", 200)
    assert abs(sys.getrefcount(None) - before) < 1000
