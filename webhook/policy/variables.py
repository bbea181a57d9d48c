"""What expressions see of one request: converted once for all rules of all policies that it is judged by.

Each policy adds its own `params`; only a policy that has some gets an activation of its own, and the request's part of
it is the same Python object, checked and measured once.
"""

import re
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import orjson

from webhook.admission.request import Object, Request
from webhook.policy.cel.environment import ENVIRONMENT

# The API server takes objects up to 3 MiB, a review may hold two; the rest is userInfo and options.
VARIABLES_LIMIT_BYTES = 7 * 1024 * 1024

# A thousand names of images. What stands here counts against each expression's bound, as the object does.
PARAMS_LIMIT_BYTES = 64 * 1024

# All expressions of one request together may begin for so long: each of them is bounded by `expression`, but 5,000
# rules add up. With the last one and the conversion of the largest objects that is 1 s at most, see test_stall.
REQUEST_LIMIT_S = 0.5

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_NOT_STRUCTURE = bytes(byte for byte in range(256) if byte not in b",:[{")
_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS


class Budget:
    """The time of one request for its expressions; it begins when it is first asked for."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began: float | None = None

    def is_used_up(self) -> bool:
        """Say whether it is over."""
        if self._began is None:
            self._began = self._clock()
        return self._clock() - self._began > REQUEST_LIMIT_S


class _Seen:
    """The request as expressions see it, and what all policies share of it."""

    def __init__(self, request: Request, namespace: Object | None, budget: Budget) -> None:
        self._request = request
        self._namespace = namespace
        self._budget = budget

    @cached_property
    def data(self) -> dict[str, Any]:
        request = self._request
        return {
            "request": {key: value for key, value in request.wire.items() if key not in {"object", "oldObject"}},
            "object": request.object,
            "oldObject": request.old_object,
            "namespaceObject": self._namespace,
        }

    @cached_property
    def written(self) -> bytes | None:
        return _written(self.data)

    @cached_property
    def nodes(self) -> int:
        return _nodes(self.written)

    @cached_property
    def plain(self) -> Any:
        """The activation of every policy without params."""
        return ENVIRONMENT.Activation({**self.data, "params": {}})

    @property
    def lacks_namespace(self) -> bool:
        return self._namespace is None and bool(self._request.lies_in)

    def is_out_of_time(self) -> bool:
        return self._budget.is_used_up()


class Variables:
    """What the expressions of one policy see of one request."""

    def __init__(self, seen: _Seen, params: Mapping[str, Any]) -> None:
        self._seen = seen
        self._params = params

    @classmethod
    def of(
        cls,
        request: Request,
        *,
        namespace: Object | None = None,
        clock: Callable[[], float] = time.perf_counter,
        budget: Budget | None = None,
    ) -> "Variables":
        """Make the variables of a request; costs nothing until an expression is evaluated.

        `namespace` is the Namespace that the object lies in; None = there is none, or it is not known. `budget` is
        given where several forms of one request share its time.
        """
        return cls(_Seen(request, namespace, budget or Budget(clock)), {})

    def with_params(self, params: Mapping[str, Any] | None) -> "Variables":
        """Return the same with the `spec.params` of a policy; costs nothing where there are none."""
        return Variables(self._seen, params) if params else self

    @cached_property
    def activation(self) -> Any | None:
        """The library's form of the variables; None if the request is not fit for it."""
        if self._seen.written is None or self._written_params is None or self.text > VARIABLES_LIMIT_BYTES:
            return None
        if not self._params:
            return self._seen.plain
        return ENVIRONMENT.Activation({**self._seen.data, "params": dict(self._params)})

    @cached_property
    def text(self) -> int:
        """Characters of all variables written as JSON, an upper bound of the text in them; only if fit."""
        return len(self._seen.written or b"") + len(self._written_params or b"")

    @cached_property
    def nodes(self) -> int:
        """An upper bound of the values in all variables, keys counted too; only if fit."""
        return 2 + self._seen.nodes + _nodes(self._written_params)

    @property
    def unknown(self) -> frozenset[str]:
        """The variables that have a value which is not known here: an expression that reads one has no answer."""
        return frozenset({"namespaceObject"}) if self._seen.lacks_namespace else frozenset()

    def is_out_of_time(self) -> bool:
        """Say whether the expressions of this request have taken all the time that they may; starts it when asked."""
        return self._seen.is_out_of_time()

    @cached_property
    def _written_params(self) -> bytes | None:
        return _written(dict(self._params)) if self._params else b""


def are_fit(params: Mapping[str, Any]) -> bool:
    """Say whether these params can be shown to expressions: plain JSON as for objects, 64 KiB at most."""
    written = _written(dict(params))
    return written is not None and len(written) <= PARAMS_LIMIT_BYTES


def _nodes(written: bytes | None) -> int:
    return len((written or b"").translate(None, _NOT_STRUCTURE))


def _written(data: dict[str, Any]) -> bytes | None:
    """Write the data as JSON if the library can take it, else return None.

    That is: under 250 levels deep, 64-bit integers, text without NUL, plain JSON. orjson refuses all else, in a few
    microseconds; the library ends the process at about 10,000 levels, answers an integer that is too large with an
    error that `failurePolicy: Ignore` would let pass, and ends a text at its first NUL, so that an agent could hide
    the rest of it from a condition.
    """
    try:
        written = orjson.dumps(data, option=_PLAIN)
    except (TypeError, RecursionError):
        return None
    has_nul = b"\\u0000" in written and _NUL.search(written) is not None
    return None if has_nul else written
