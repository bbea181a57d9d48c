"""One request as checks see it: what several of them need is worked out once, for all of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from webhook.admission.request import Request
from webhook.admission.subject import Subject
from webhook.checks.pod import Pod, pod_of

T = TypeVar("T")


class _Once:
    """The parts that are worked out when the first check asks, and shared by all inspections of the request."""

    __slots__ = ("is_pod_known", "made", "pod")

    def __init__(self) -> None:
        self.is_pod_known = False
        self.pod: Pod | None = None
        self.made: dict[Callable[[Request], Any], Any] = {}


@dataclass(frozen=True, slots=True)
class Inspection:
    """A request, and what the policy says to its checks."""

    request: Request
    accounts: tuple[Subject, ...] = ()
    """ServiceAccounts, beside its own, that the policy lets the agent's Pods run as."""
    parameters: Any = None
    """The check's own `Parameters`, as the rule sets them; None for a check that has none."""
    _once: _Once = field(default_factory=_Once, repr=False, compare=False)

    @property
    def pod(self) -> Pod | None:
        """The Pod that the request would run; None where it writes no Pod spec."""
        if not self._once.is_pod_known:
            self._once.pod = pod_of(self.request)
            self._once.is_pod_known = True
        return self._once.pod

    def once(self, make: Callable[[Request], T]) -> T:
        """Return what `make` makes of the request, for a family of checks that all need it."""
        made = self._once.made
        if make not in made:
            made[make] = make(self.request)
        return cast(T, made[make])

    def given(self, *, accounts: tuple[Subject, ...], parameters: Any = None) -> "Inspection":
        """Return the same request with what another rule says; what was worked out is kept."""
        return replace(self, accounts=accounts, parameters=parameters)
