"""What was typed, turned into what is judged by; each wrong use is a list of lines that say what is allowed."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubescrow.checking.check import Check, Failed, indexed, learn, objects_in
from kubescrow.checking.kinds import Origin
from kubescrow.checking.namespaces import Namespaces
from kubescrow.checking.policies import Policies, load
from kubescrow.checking.request import Asked
from kubescrow.checking.user import Credential
from kubescrow.manifests.files import Input, NoInput, inputs
from kubescrow.manifests.objects import KubernetesObject
from webhook.admission.request import Operation
from webhook.trial.children import CannotTry

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


class WrongUse(Exception):
    """The command cannot do what was typed; one line a reason."""

    def __init__(self, *lines: str) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line of `policy check`."""

    files: Sequence[str]
    policies: Sequence[str]
    user: str = ""
    groups: Sequence[str] = ()
    is_bound: bool = True
    operation: str = ""
    subresource: str = ""
    old: Sequence[str] = ()
    namespace: str = ""
    namespace_labels: str = ""
    namespaces: Sequence[str] = ()
    crds: Sequence[str] = ()


def prepared(options: Options) -> tuple[Check, list[Input], list[str]]:
    """Return what is judged by, what is judged, and remarks on the policies.

    Raises:
        WrongUse: something cannot be read or does not compile, or a value is not allowed.
    """
    asked = Asked(_operation(options.operation), options.subresource, _namespace(options.namespace), bool(options.old))
    labels = _labels(options.namespace_labels)
    loaded = policies_in(options.policies)
    if loaded.problems:
        raise WrongUse(*loaded.problems)
    sources = _inputs("FILE", options.files, may_be_stdin=True)
    check = Check(loaded.compiled, Credential(options.user, tuple(options.groups), options.is_bound), asked)
    failed = [each for source in _inputs("--crds", options.crds) for each in learn(check.kinds, source, Origin.NAMED)]
    _refuse(failed)
    check.namespaces = Namespaces.of(_objects("--namespaces", options.namespaces), labels)
    if options.old:
        check.old = indexed(_objects("--old", options.old), asked)
    return check, sources, loaded.skipped


def policies_in(paths: Sequence[str], *, are_tried: bool = False) -> Policies:
    """Read policies; see `policies.load`.

    Raises:
        WrongUse: a path cannot be read, there is no policy in any of them, or they cannot be tried.
    """
    try:
        loaded = load(_inputs("--policies", paths), are_tried=are_tried)
    except NoInput as err:
        raise WrongUse(f"--policies {err}") from err
    except CannotTry as err:
        raise WrongUse(str(err)) from err
    if not loaded.count and not loaded.problems:
        raise WrongUse(f"--policies {', '.join(paths)}: there is no AgentPolicy in it")
    return loaded


def _inputs(option: str, paths: Sequence[str], *, may_be_stdin: bool = False) -> list[Input]:
    try:
        return inputs(paths, may_be_stdin=may_be_stdin)
    except NoInput as err:
        raise WrongUse(f"{option} {err}") from err


def _objects(option: str, paths: Sequence[str]) -> list[KubernetesObject]:
    found = [each for source in _inputs(option, paths) for each in objects_in(source)]
    _refuse([each for each in found if isinstance(each, Failed)])
    return [each for each in found if isinstance(each, KubernetesObject)]


def _refuse(failed: Iterable[Failed]) -> None:
    texts = [each.text for each in failed]
    if texts:
        raise WrongUse(*texts)


def _operation(text: str) -> Operation | None:
    try:
        return Operation(text.upper()) if text else None
    except ValueError as err:
        raise WrongUse(f"--operation {text}: allowed: {', '.join(Operation)}") from err


def _namespace(text: str) -> str:
    if text and not _NAME.fullmatch(text):
        raise WrongUse(f"--namespace {text}: allowed: the name of a namespace, such as shop")
    return text


def _labels(text: str) -> dict[str, str] | None:
    if not text:
        return None
    pairs = [part.partition("=") for part in text.split(",")]
    for key, equals, value in pairs:
        if not equals or not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise WrongUse(f"--namespace-labels {text}: allowed: labels such as env=prod,team=shop")
    return {key: value for key, _, value in pairs}
