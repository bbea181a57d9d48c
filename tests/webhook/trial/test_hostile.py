"""The real child and hostile expressions: each is refused with its field or proved harmless, and nothing goes down."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.webhook.policy.language import asks, policy, rule
from webhook.admission.verdict import Action
from webhook.policy.cel.environment import FUNCTIONS, VARIABLES
from webhook.policy.compile import BrokenPolicy, CompiledPolicy, compile_set, policy_outcome
from webhook.policy.evaluate import evaluate
from webhook.policy.model import InvalidPolicy
from webhook.policy.problem import Problem
from webhook.policy.protection import Protected
from webhook.policy.salvage import salvaged
from webhook.trial.children import COMMAND, try_all
from webhook.trial.trials import Trials

HUGE = str(2**63 - 1)
HOSTILE = [
    "object.l.all(x, " * 8 + "true" + ")" * 8,
    "object.a.map(x, object.a.map(y, object.a.map(z, object.a))).size() > 0",
    "cel.bind(a, object.t + object.t, " * 12 + "a != ''" + ")" * 12,
    "'x'.matches('((a{100}){100}){100}')",
    "object.c.matches('(((((a?){30}){30}){30})*)*$')",
    "object.c.matches('(?:a|aa)+$') && object.c.find('(.*)(.*)(.*)x') == ''",
    "object.t.replace('', object.t).replace('', object.t) != ''",
    f"object.t.split('', {HUGE}).size() > 0",
    f"'%.{HUGE}f'.format([1.0]) != ''",
    "'%.999999999f'.format([1.0]) != ''",
    f"object.t.substring({HUGE}, {HUGE}) == ''",
    f"[1][{HUGE}] == 1 || object.a[-{HUGE}] == 1",
    f"math.bitShiftLeft(1, {HUGE}) == 0 || math.bitShiftRight(1, -1) == 0",
    f"-({HUGE} + 1) == 0 || {HUGE} * {HUGE} == 0 || (-{HUGE} - 1) / -1 == 0 || (-{HUGE} - 1) % -1 == 0",
    "int(1e308 * 10.0) == 0 || uint(-1) == 0u || int('9' + '9') == 0 || double('nan') == 0.0",
    f"timestamp({HUGE}) < timestamp('9999-12-31T23:59:59Z') + duration('{HUGE}s')",
    "timestamp('0001-01-01T00:00:00Z').getFullYear('Nowhere/At_All') == 0",
    "timestamp('2026-01-01T00:00:00Z').getHours('" + "x" * 9000 + "') == 0",
    "quantity('1e999999999').add(quantity('1e999999999')).sub(1).asApproximateFloat() == 0.0",
    "quantity('" + "9" * 9000 + "').isInteger() || semver('" + "9" * 9000 + ".0.0').major() == 0",
    "url('http://[" + ":" * 9000 + "]/').getHost() == '' || isIP('" + ":" * 9000 + "')",
    "{'a': 1}.a.b.c.d == object.a.a.a.a || {1: 2}[1.0] == 2 || {'a': {}}.a == {}",
    "[[1]].map(x, x.map(y, y)).sum() == 0 || [null].min() == null || [type(1)].max() == int",
    "optional.of(optional.of(1)).value().optMap(x, x).hasValue() || optional.none().value() == 1",
    "b'\\xff\\x00' == b'' || string(b'\\xff') == '' || bytes(object.t) == b''",
    "'\\u0000\\U0010FFFF'.size() == 2 && 'a\\u0000b' == object.t",
    "type(type(type(object))) == type || dyn(object) == dyn(type)",
    "google.protobuf.Any{type_url: 'x', value: b'x'} == null || google.protobuf.Value{number_value: 1.0} == 1",
    "google.protobuf.Struct{fields: {'a': google.protobuf.Value{}}} == object",
]


def tried(*policies: dict[str, Any], command: tuple[str, ...] = COMMAND) -> list[tuple[Problem, ...]]:
    return asyncio.run(try_all(policies, command=command))


def outcome(given_policy: dict[str, Any], problems: tuple[Problem, ...]) -> CompiledPolicy | BrokenPolicy:
    """What the server makes of a policy after its trial."""
    return salvaged(given_policy, InvalidPolicy("p", problems)) if problems else policy_outcome(given_policy)


def judge(given_policy: dict[str, Any], problems: tuple[Problem, ...], obj: Any) -> Action:
    made = outcome(given_policy, problems)
    policies = compile_set([given_policy], lambda _: made)
    request = asks("UPDATE", obj, old=obj, resource="things", name="web", namespace="agents")
    return evaluate(request, policies, protected=Protected(), namespace={"metadata": {"name": "agents"}}).action


def test_hostile_expressions_stop_no_server() -> None:
    """Each is tried, and what passes is judged here, in this very process, on an object made for it, in time."""
    policies = [policy(rule(condition=source)) for source in HOSTILE]
    obj = {"a": list(range(3000)), "l": [["x"]] * 3000, "t": "a" * 100_000, "c": "a" * 50_000 + "b"}
    for given_policy, problems in zip(policies, tried(*policies), strict=True):
        began = time.process_time()
        judge(given_policy, problems, obj)
        assert time.process_time() - began < 2, given_policy["spec"]["rules"]


TEXTS = st.sampled_from(["", "a", "a" * 50, "1", "10.0.0.0/8", "1.2.3", "http://a/?b", "%s", "(a*)*b", "\\\\", "é"])
LEAVES = st.one_of(
    st.sampled_from([f"{name}{path}" for name in VARIABLES for path in ("", ".a", ".l", ".t", ".m['a']", "[0]")]),
    st.sampled_from(
        ["null", "true", "dyn(1u)", f"dyn({HUGE})", f"-{HUGE}", "1.5", "0", "[]", "{}", "duration('1s')", "x", "y"]
    ),
    TEXTS.map(lambda text: f"dyn('{text}')"),
)
OWN = sorted({function.name for function in FUNCTIONS})
LIBRARY = ["matches", "replace", "split", "join", "format", "substring", "contains", "size", "reverse", "orValue"]


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    arguments = st.lists(inner, max_size=3).map(", ".join)
    operators = st.sampled_from(["+", "-", "*", "/", "%", "==", "<", "&&", "||", "in"])
    macros = st.sampled_from(["all", "exists", "exists_one", "map", "filter"])
    return st.one_of(
        st.builds(lambda a, op, b: f"({a} {op} {b})", inner, operators, inner),
        st.builds(lambda a, name, b: f"{a}.{name}({b})", inner, st.sampled_from(OWN + LIBRARY), arguments),
        st.builds(lambda name, a: f"{name}({a})", st.sampled_from([*OWN, "int", "string", "timestamp"]), arguments),
        st.builds(lambda a, name, b: f"{a}.{name}(x, {b})", inner, macros, inner),
        st.builds(lambda a, b: f"cel.bind(y, {a}, {b})", inner, inner),
        st.builds(lambda a, b: f"[{a}, {b}]", inner, inner),
        st.builds(lambda a, b, c: f"({a} ? {b} : {c})", inner, inner, inner),
    )


EXPRESSIONS = st.recursive(LEAVES, larger, max_leaves=8).map(
    lambda text: f"cel.bind(x, object.a, cel.bind(y, object.l, dyn({text}) == true))"
)
OBJECTS = st.sampled_from(
    [
        {},
        {"a": [1, None, "x"], "l": ["b", "a"] * 2000, "t": "a" * 100_000, "m": {"a": {"a": 1.5}}},
        {"a": "500m", "l": list(range(9000)), "t": "10.0.0.1", "m": {"a": True}},
    ]
)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(EXPRESSIONS, min_size=20, max_size=40, unique=True), OBJECTS, st.sampled_from(["Fail", "Ignore"]))
def test_no_expression_gets_past_the_guard(sources: list[str], obj: Any, failure_policy: str) -> None:
    """Whatever the expressions: the trial answers for each, and what passes neither crashes nor stalls this process."""
    policies = [policy(rule(condition=source), failurePolicy=failure_policy) for source in sources]
    for given_policy, problems in zip(policies, tried(*policies), strict=True):
        began = time.process_time()
        assert judge(given_policy, problems, obj) in (Action.ALLOW, Action.DENY)
        assert time.process_time() - began < 2, given_policy["spec"]["rules"]


def with_flaw(what: str) -> tuple[str, ...]:
    """The real child, whose library has a flaw: an expression that says so does this."""
    code = f"""
import sys
from webhook.trial import child
from webhook.policy import trial
sound = trial.compile_expression
def flawed(source, *, returns):
    if "flaw" in source:
        {what}
    return sound(source, returns=returns)
trial.compile_expression = flawed
child.main()
"""
    return (sys.executable, "-I", "-c", code)


@pytest.mark.parametrize(
    "flaw",
    [
        "import ctypes; ctypes.string_at(0)",
        "import os; os.abort()",
        "bytearray(2**40)",
        "sys.hold = [bytearray(2**26) for _ in range(100)]",
        "sys.stdout.close()",
        "open('/etc/hostname')",
        "import socket; socket.socket()",
    ],
    ids=["segmentation fault", "abort", "one huge block", "memory bit by bit", "closed", "a file", "a connection"],
)
def test_what_ends_the_child_is_refused_with_its_field(flaw: str) -> None:
    """The author reads rule, field and remedy; the policy before and the one after are judged as ever."""
    sound = policy(rule(condition="true"))
    hostile = policy(rule(name="ok", condition="true"), rule(name="evil", condition="'flaw' == ''"))
    before, problems, after = tried(sound, hostile, sound, command=with_flaw(flaw))
    assert (before, after) == ((), ())
    assert [(problem.path, problem.rule) for problem in problems] == [("spec.rules[1].condition", "evil")]
    assert str(problems[0]) == (
        "spec.rules[1].condition: what it does to the library is not allowed; use an expression that compiles and "
        "answers within the limits; make it shorter or simpler: it ended the process that tried it"
    )


def test_what_never_ends_is_ended() -> None:
    """The child is killed, and blamed is the text that it was at."""
    command = with_flaw("import time; time.sleep(600)")
    hostile = policy(rule(name="evil", condition="'flaw' == ''"))
    (problems,) = asyncio.run(try_all([hostile], command=command, silence_limit_s=1.0))
    assert [(problem.path, problem.rule) for problem in problems] == [("spec.rules[0].condition", "evil")]
    assert "it took too long" in str(problems[0])


def test_a_policy_that_fails_its_trial_denies() -> None:
    """Its subjects only, and with the reason; the library of this process never sees it."""
    hostile = policy(rule(name="evil", condition="'flaw' == ''"), failurePolicy="Ignore")
    (problems,) = tried(hostile, command=with_flaw("import os; os.abort()"))
    assert judge(hostile, problems, {"metadata": {"name": "web"}}) is Action.DENY


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def test_no_child_is_left_behind() -> None:
    """Also when whoever asked goes away in the middle."""
    before = children()

    async def leave() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await try_all(
                    [policy(rule(condition="'flaw' == ''"))], command=with_flaw("import time; time.sleep(60)")
                )

    asyncio.run(leave())
    assert children() <= before


def test_a_guard_answers_in_time_while_others_are_tried() -> None:
    """Two policies at once: one after the other, both answered."""
    trials = Trials()

    async def both() -> list[tuple[Problem, ...]]:
        return list(await asyncio.gather(*(trials.try_policy(policy(rule(condition=f"{n} > 0"))) for n in (1, 2))))

    assert asyncio.run(both()) == [(), ()]
