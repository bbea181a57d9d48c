"""Lets the library call our functions without losing memory at every call.

cel-expr-python 0.1.3 never gives back the tuple of arguments that it makes for a call, nor the reference to the answer:
a condition that calls a function for each element of an object of 3 MiB would lose megabytes a request, and an agent
chooses objects. So each call is noted, and when its evaluation is over `release` gives back both. Whether the library
still forgets them is tried when this module is loaded; one that does not is left alone.

The tuple is seen through ctypes: `errcheck` is handed the very tuple that a foreign function was called with.

Source: cel_expr_python/py_cel_function.cc, PyCelFunctionAdapter::Invoke
"""

import ctypes
import sys
import threading
from collections.abc import Callable
from typing import Any

from cel_expr_python import cel

_LIBRARY = ctypes.pythonapi
_give_back = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_DecRef", _LIBRARY))
_take = ctypes.PYFUNCTYPE(None, ctypes.py_object)(("Py_IncRef", _LIBRARY))

_NONE_IS_COUNTED = sys.version_info < (3, 12)
"""Later versions never free None, whatever its count."""


class _Noted(threading.local):
    """What the library was handed in this thread since the last release."""

    def __init__(self) -> None:
        self.arguments: list[tuple[Any, ...]] = []
        self.answers: list[Any] = []


_noted = _Noted()


def callable_for(answer: Callable[..., Any], parameters: int) -> Any:
    """Make what the library may call in place of `answer`, a function of so many positional parameters."""
    prototype = ctypes.PYFUNCTYPE(ctypes.c_int, *[ctypes.py_object] * parameters)
    stand_in: Any = prototype(("Py_IsInitialized", _LIBRARY))  # any function that takes no notice of its arguments

    def called(_result: int, _function: Any, arguments: tuple[Any, ...]) -> Any:
        _noted.arguments.append(arguments)
        answered = answer(*arguments)
        _noted.answers.append(answered)
        return answered

    stand_in.errcheck = called
    return stand_in


def release() -> None:
    """Give back what the calls of the evaluation that has just ended were handed and answered."""
    if not _noted.arguments:
        return
    arguments, answers = _noted.arguments, _noted.answers
    _noted.arguments, _noted.answers = [], []
    if _LOSES_ARGUMENTS:
        for one in arguments:
            if _NONE_IS_COUNTED:
                _restore_none(one)
            _give_back(one)
    if _LOSES_ANSWERS:
        for one in answers:
            _give_back(one)


def _restore_none(value: Any) -> None:
    """Count each None in the arguments, as the library put it there without counting."""
    if value is None:
        _take(None)
    elif isinstance(value, dict):
        for inner in value.values():
            _restore_none(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _restore_none(inner)


def _loses() -> tuple[bool, bool]:
    """Try whether the library forgets arguments, and whether it forgets answers."""
    seen: list[Any] = []
    answer = "an answer that nobody else holds, ".upper()
    parameters = [cel.Type.STRING]
    overload = cel.Overload("probe", return_type=cel.Type.STRING, parameters=parameters, impl=seen.append)
    text = cel.Overload("text", return_type=cel.Type.STRING, parameters=parameters, impl=lambda _: answer)
    functions = [cel.FunctionDecl("probe", [overload]), cel.FunctionDecl("text", [text])]
    env = cel.NewEnv(variables={"x": cel.Type.DYN}, extensions=[cel.CelExtension("probe", functions)])
    env.compile("probe(x) == ''").eval(data={"x": "an argument"})
    before = sys.getrefcount(answer)
    env.compile("text(x) == ''").eval(data={"x": ""})
    return sys.getrefcount(seen[0]) > 2, sys.getrefcount(answer) > before


_LOSES_ARGUMENTS, _LOSES_ANSWERS = _loses()
