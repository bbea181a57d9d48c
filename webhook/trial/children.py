"""Starts a child, gives it policies, and ends it when it is done, silent for too long, or dead.

One child for many policies. One that dies or is ended is blamed on the text that it was trying, and another goes on
with the next policy.
"""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from webhook.policy.problem import Problem
from webhook.policy.trial import params_of, sources_of

Stored = Mapping[str, Any]

# The dearest text within the limits compiles in 0.2 s and is judged on six samples at 0.2 s each; a busy machine with
# one core for several takes four times that.
SILENCE_LIMIT_S = 5.0

# All 5,000 rules of the largest policy are tried in 3 s if they look alike, in 15 s if they do not.
POLICY_LIMIT_S = 60.0

# The interpreter and the library load in 0.3 s.
START_LIMIT_S = 10.0

COMMAND = (sys.executable, "-I", "-m", "webhook.trial.child")
"""Isolated: nothing of the environment or the working directory decides what runs."""

_ALLOWED = "an expression that compiles and answers within the limits; make it shorter or simpler"


class CannotTry(Exception):
    """No child can be started: nothing is known of the policies."""


class _Died(Exception):
    """A child is gone, or says nothing that can be read."""


async def try_all(
    policies: Sequence[Stored], *, command: Sequence[str] = COMMAND, silence_limit_s: float = SILENCE_LIMIT_S
) -> list[tuple[Problem, ...]]:
    """Try policies one after another; return what is wrong with each.

    `command` and `silence_limit_s` are others in tests only.

    Raises:
        CannotTry: a child could not be started.
    """
    results: list[tuple[Problem, ...]] = []
    while len(results) < len(policies):
        results.extend(await _tried_by_one(policies[len(results) :], command, silence_limit_s))
    return results


async def _tried_by_one(
    policies: Sequence[Stored], command: Sequence[str], limit_s: float
) -> list[tuple[Problem, ...]]:
    """Let one child try as many as it can; the last result is about its death if it did not try them all."""
    child = await _started(command)
    results: list[tuple[Problem, ...]] = []
    try:
        await _hear_ready(child)
        for policy in policies:
            results.append(await _one(child, policy, limit_s))
            if _is_about_death(results[-1]):
                break
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    return results


async def _started(command: Sequence[str]) -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            limit=2**20,
        )
    except OSError as err:
        raise CannotTry("no process can be started to try policies in") from err


async def _hear_ready(child: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(_word(child), START_LIMIT_S)
    except (_Died, TimeoutError, ValueError, RecursionError) as err:
        raise CannotTry("the process to try policies in does not start") from err


async def _one(child: asyncio.subprocess.Process, policy: Stored, limit_s: float) -> tuple[Problem, ...]:
    """Let the child try one policy; whatever ends it is blamed on the text that it spoke of last."""
    path, rule = "spec.params", ""
    try:
        async with asyncio.timeout(POLICY_LIMIT_S):
            await asyncio.wait_for(_ask(child, policy), limit_s)
            while True:
                word = await asyncio.wait_for(_word(child), limit_s)
                if "found" in word:
                    return tuple(
                        Problem(where, _COST, f"{_ALLOWED}: {why}", name) for where, name, why in word["found"]
                    )
                path, rule = word["tries"]
    except TimeoutError:
        how = "it took too long"
    except (_Died, OSError, ValueError, LookupError, TypeError, RecursionError):
        how = "it ended the process that tried it"
    return (Problem(path, _DEATH, f"{_ALLOWED}: {how}", rule),)


_COST = "its cost"
_DEATH = "what it does to the library"


def _is_about_death(problems: tuple[Problem, ...]) -> bool:
    return any(problem.found == _DEATH for problem in problems)


async def _ask(child: asyncio.subprocess.Process, policy: Stored) -> None:
    if child.stdin is None:
        raise _Died
    sources = [(source.path, source.rule, source.text) for source in sources_of(policy)]
    child.stdin.write(json.dumps({"sources": sources, "params": params_of(policy)}).encode() + b"\n")
    await child.stdin.drain()


async def _word(child: asyncio.subprocess.Process) -> dict[str, Any]:
    line = await child.stdout.readline() if child.stdout else b""
    if not line.endswith(b"\n"):
        raise _Died
    word: dict[str, Any] = json.loads(line)
    return word
