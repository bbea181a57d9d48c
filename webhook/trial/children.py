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

Stored = Mapping[str, Any]

# The dearest text within the limits compiles in 0.2 s and is judged on six samples at 0.2 s each; a busy machine with
# one core for several takes four times that.
SILENCE_LIMIT_S = 5.0

# The interpreter and the library load in 0.3 s.
START_LIMIT_S = 10.0

_COMMAND = (sys.executable, "-I", "-m", "webhook.trial.child")
_ALLOWED = "an expression that compiles and answers within the limits; make it shorter or simpler"


class CannotTry(Exception):
    """No child can be started, or it does not speak: nothing is known of the policies."""


class _Died(Exception):
    """A child is gone; the text says how, for the author of the policy."""


async def try_all(policies: Sequence[Stored]) -> list[tuple[Problem, ...]]:
    """Try policies one after another; return what is wrong with each.

    Raises:
        CannotTry: a child could not be started or died before it tried anything.
    """
    results: list[tuple[Problem, ...]] = []
    while len(results) < len(policies):
        results.extend(await _tried_by_one(policies[len(results) :]))
    return results


async def _tried_by_one(policies: Sequence[Stored]) -> list[tuple[Problem, ...]]:
    """Let one child try as many as it can; the last result is about its death if it did not try them all."""
    child = await _started()
    results: list[tuple[Problem, ...]] = []
    try:
        for policy in policies:
            results.append(await _one(child, policy, is_first=not results))
            if child.returncode is not None or _is_about_death(results[-1]):
                break
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    return results


async def _started() -> asyncio.subprocess.Process:
    try:
        return await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={},
            limit=2**20,
        )
    except OSError as err:
        raise CannotTry("no process can be started to try policies in") from err


async def _one(child: asyncio.subprocess.Process, policy: Stored, *, is_first: bool) -> tuple[Problem, ...]:
    assert child.stdin is not None
    assert child.stdout is not None
    place: tuple[str, str] | None = None
    wait_s = START_LIMIT_S if is_first else SILENCE_LIMIT_S
    try:
        child.stdin.write(json.dumps({"spec": policy.get("spec")}).encode() + b"\n")
        await asyncio.wait_for(child.stdin.drain(), wait_s)
        while True:
            word = await _word(child.stdout, wait_s)
            if "found" in word:
                return tuple(Problem(path, "its cost", f"{_ALLOWED}: {why}", rule) for path, rule, why in word["found"])
            place, wait_s = (word["tries"][0], word["tries"][1]), SILENCE_LIMIT_S
    except (_Died, TimeoutError, OSError) as err:
        if place is None:
            raise CannotTry("the process to try policies in does not answer") from err
        how = "it took too long" if isinstance(err, TimeoutError) else "it ended the process that tried it"
        return (Problem(place[0], _DEATH, f"{_ALLOWED}: {how}", place[1]),)


_DEATH = "what it does to the library"


def _is_about_death(problems: tuple[Problem, ...]) -> bool:
    return any(problem.found == _DEATH for problem in problems)


async def _word(reader: asyncio.StreamReader, wait_s: float) -> dict[str, Any]:
    line = await asyncio.wait_for(reader.readline(), wait_s)
    if not line.endswith(b"\n"):
        raise _Died
    word: dict[str, Any] = json.loads(line)
    return word
