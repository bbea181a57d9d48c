"""A child that crashes, hangs, babbles or cannot start takes no policy through and nothing else down."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from webhook.policy.problem import Problem
from webhook.trial.children import CannotTry, try_all

HEALTHY = "true || object.spec.replicas > 3"


def policy(*conditions: str, params: Any = None) -> dict[str, Any]:
    rules = [{"name": f"r{i}", "condition": text} for i, text in enumerate(conditions)]
    return {"spec": {"rules": rules, "params": params or {}}}


def script(*lines: str) -> tuple[str, ...]:
    """A child that is ready and then does as told."""
    code = ("import sys, json, os, time", "print('{\"ready\": true}', flush=True)", *lines)
    return (sys.executable, "-I", "-c", "\n".join(code))


TRIES = "sys.stdin.readline(); print(json.dumps({'tries': ['spec.rules[0].condition', 'r0']}), flush=True)"


def tried(
    *policies: dict[str, Any], command: tuple[str, ...] | None = None, limit_s: float = 5.0
) -> list[tuple[Problem, ...]]:
    if command is None:
        return asyncio.run(try_all(policies))
    return asyncio.run(try_all(policies, command=command, silence_limit_s=limit_s))


def test_ordinary_policies_pass() -> None:
    """The real child, many policies, one after another; what does not compile is told by the compiler."""
    given = [policy(HEALTHY), policy("this is not CEL"), policy("params.names.exists(n, n == object.metadata.name)")]
    assert tried(*given) == [(), (), ()]


def test_policies_of_any_shape_pass() -> None:
    """What stands in etcd may have been written before there was a schema."""
    shapes: list[Any] = [{}, {"spec": None}, {"spec": {"rules": "x", "params": []}}, {"spec": {"rules": [None, 1, {}]}}]
    assert tried(*shapes) == [(), (), (), ()]


@pytest.mark.parametrize(
    "does",
    [
        "os.abort()",
        "sys.exit(0)",
        "print('babble', flush=True); sys.stdin.read()",
        "print('[]', flush=True); sys.stdin.read()",
        "print('7', flush=True); sys.stdin.read()",
        "print('{}', flush=True); sys.stdin.read()",
        "print('{\"found\": 1}', flush=True); sys.stdin.read()",
        "print('{\"found\": [[1]]}', flush=True); sys.stdin.read()",
        'print(\'{"tries": "a"}\', flush=True); sys.stdin.read()',
        "print('[' * 500000, flush=True); sys.stdin.read()",
        "print('x' * 3000000, flush=True); sys.stdin.read()",
        "sys.stdout.write('{'); sys.stdout.flush()",
    ],
)
def test_a_child_that_ends_or_babbles_blames_the_text(does: str) -> None:
    """The policy does not pass, and its author is told which text it was."""
    problem = tried(policy(HEALTHY), command=script(TRIES, does))[0][0]
    assert (problem.path, problem.rule) == ("spec.rules[0].condition", "r0")
    assert "it ended the process that tried it" in str(problem)


def test_a_child_that_hangs_is_ended() -> None:
    """The policy does not pass, and the next one gets another child."""
    results = tried(policy(HEALTHY), policy(HEALTHY), command=script(TRIES, "time.sleep(60)"), limit_s=0.5)
    assert ["it took too long" in str(result[0]) for result in results] == [True, True]


@pytest.mark.parametrize("command", [("/nothing/here",), (sys.executable, "-c", ""), (sys.executable, "-c", "print()")])
def test_a_child_that_does_not_start_says_nothing_of_a_policy(command: tuple[str, ...]) -> None:
    """It is no fault of the policy, and no proof of it either."""
    with pytest.raises(CannotTry):
        tried(policy(HEALTHY), command=command)


def test_a_child_gets_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No path to a kubeconfig, no database password, no proxy: whatever takes it over finds none."""
    monkeypatch.setenv("KUBESCROW_TEST_SECRET", "x")
    says = "print(json.dumps({'found': [['environment', '', ' '.join(os.environ)]]}), flush=True)"
    (problems,) = tried(policy(HEALTHY), command=script(TRIES, says))
    assert "environment" in str(problems[0])
    assert "KUBESCROW" not in str(problems[0])
