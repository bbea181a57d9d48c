"""Judges every object of every input, one after another: the shell around the pure parts, which reads and goes on.

What cannot be judged becomes a `Failed`, and the next object is judged all the same, so that one run tells everything.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from kubescrow.checking.judged import Judged
from kubescrow.checking.kinds import CRD_GROUP, CRD_KIND, Kinds, Origin, UnknownSubresource
from kubescrow.checking.namespaces import Namespaces
from kubescrow.checking.request import DEFAULT_NAMESPACE, Asked, NoRequest, review_of
from kubescrow.checking.user import Credential, user_info, user_of
from kubescrow.manifests.document import Unreadable
from kubescrow.manifests.files import Input, NoInput
from kubescrow.manifests.objects import KubernetesObject, NoObject, objects_of
from kubescrow.manifests.stream import documents
from webhook.admission.request import Request, User
from webhook.admission.review import API_VERSION, BODY_LIMIT_BYTES, KIND, MalformedReview, decode
from webhook.admission.verdict import Action, Verdict, verdict_of
from webhook.checks.wording import one_line
from webhook.policy.authorization import access_findings, access_of
from webhook.policy.compile import PolicySet
from webhook.policy.evaluate import evaluate
from webhook.policy.mutation import mutate
from webhook.policy.protection import Protected
from webhook.policy.reads import reads_of

_ACCESS_REVIEW = ("authorization.k8s.io", "SubjectAccessReview")
_REVIEW = (API_VERSION.partition("/")[0], KIND)
_TOO_MUCH = "nested deeper than 250 levels, or with a number or text that no request can carry"


@dataclass(frozen=True, slots=True)
class Failed:
    """Something that was not judged; the text says where and why."""

    text: str


Identity = tuple[str, str, str, str]
"""Group, kind, namespace, name."""


@dataclass(slots=True)
class Check:
    """What everything is judged by, and as whom."""

    policies: PolicySet
    credential: Credential = field(default_factory=Credential)
    asked: Asked = field(default_factory=Asked)
    kinds: Kinds = field(default_factory=Kinds.built_in)
    namespaces: Namespaces = field(default_factory=Namespaces)
    old: Mapping[Identity, KubernetesObject] = field(default_factory=dict)
    """Objects as they are now, as far as they were given."""
    _user: User | None = None
    _has_learnt: bool = False

    def judged(self, sources: Sequence[Input]) -> Iterator[Judged | Failed | Input]:
        """Yield what comes of every object, in order; and each input after its last.

        Raises:
            NoUser: a manifest needs a user, and none can be said.
        """
        for source in sources:
            for each in objects_in(source):
                yield each if isinstance(each, Failed) else self._judged(each, sources)
            yield source

    def _judged(self, each: KubernetesObject, sources: Sequence[Input]) -> Judged | Failed:
        try:
            if (each.group, each.kind) == _ACCESS_REVIEW:
                return self._access(each)
            if (each.group, each.kind) == _REVIEW:
                request, notes = self._recorded(each)
            else:
                self._learn(each, sources)
                request, notes = self._made(each)
            verdict, more = self._verdict(request)
            return Judged(each.place, request, verdict, (*notes, *more))
        except (NoRequest, UnknownSubresource, MalformedReview) as err:
            return Failed(f"{each.place}: {err}")

    def _verdict(self, request: Request) -> tuple[Verdict, tuple[str, ...]]:
        """Judge as the webhook does: what Mutate rules set is written first. Returns notes beside the verdict."""
        notes: tuple[str, ...] = ()
        namespace = None
        if self.policies.needs_namespace(request):
            namespace = self.namespaces.find(request.lies_in)
            notes = () if namespace else (_unknown(request.lies_in),)
        mutation = mutate(request, self.policies, protected=Protected(), namespace=namespace)
        written = verdict_of(mutation.findings, ())
        if written.action is Action.DENY:
            return written, notes
        verdict = evaluate(mutation.request, self.policies, protected=Protected(), namespace=namespace)
        notes = (*notes, *(f"judged with what a Mutate sets: {one}" for one in mutation.written))
        return verdict_of((*verdict.findings, *written.findings), verdict.requirements), notes

    def _access(self, each: KubernetesObject) -> Judged:
        """Judge as the authorizer does."""
        asked = access_of(each.value)
        if self.credential.name:
            asked = replace(asked, user=self._whoever())
        reads = reads_of(asked.user, asked.attributes)
        if not reads:
            raise NoRequest(
                "no read: spec.resourceAttributes.verb; allowed: get, list, watch, patch, deletecollection, impersonate"
            )
        findings = access_findings(asked, self.policies, protected=Protected())
        notes = () if self.policies.is_agent(asked.user) else (_nobody(asked.user),)
        return Judged(each.place, reads[0], verdict_of(findings, ()), notes)

    def _made(self, each: KubernetesObject) -> tuple[Request, tuple[str, ...]]:
        """Make the request that a manifest would be."""
        served = self.kinds.served(each.group, each.kind, self.asked.subresource)
        old = self.old.get(_identity(each, self.asked))
        made = review_of(each, served, self.asked, user=self._whoever(), old=old)
        return _decoded(made.review), made.notes

    def _recorded(self, each: KubernetesObject) -> tuple[Request, tuple[str, ...]]:
        """Read a recorded review; it keeps its user unless another is named."""
        review = dict(each.value)
        if self.credential.name and isinstance(review.get("request"), dict):
            review["request"] = {**review["request"], "userInfo": user_info(self._whoever())}
        request = _decoded(review)
        if self.policies.is_agent(request.user):
            return request, ()
        return request, (_nobody(request.user),)

    def _whoever(self) -> User:
        if self._user is None:
            self._user = user_of(self.credential, self.policies)
        return self._user

    def _learn(self, each: KubernetesObject, sources: Sequence[Input]) -> None:
        """Look for CustomResourceDefinitions in all inputs once, when the first kind comes that is not known."""
        if self._has_learnt or self.kinds.knows(each.group, each.kind):
            return
        self._has_learnt = True
        for source in sources:
            learn(self.kinds, source, Origin.MANIFESTS)


def _nobody(user: User) -> str:
    return f"no policy names {one_line(user.username)}: everything is allowed"


def _unknown(namespace: str) -> str:
    return (
        f"namespace {one_line(namespace)} is not known: every namespaceSelector selects it, and what reads "
        "namespaceObject denies; give it by --namespaces or --namespace-labels"
    )


def learn(kinds: Kinds, source: Input, origin: Origin) -> list[Failed]:
    """Add the kinds that the CustomResourceDefinitions of an input define; return what could not be read."""
    failed = []
    try:
        if CRD_KIND.encode() not in source.read():
            return []
    except NoInput as err:
        return [Failed(str(err))]
    for each in objects_in(source):
        if isinstance(each, Failed):
            failed.append(each)
        elif (each.group, each.kind) == (CRD_GROUP, CRD_KIND):
            kinds.learn(each.value, origin)
    return failed


def indexed(found: Sequence[KubernetesObject], asked: Asked) -> dict[Identity, KubernetesObject]:
    """Index objects by what they are; the first of two that are the same counts."""
    index: dict[Identity, KubernetesObject] = {}
    for each in found:
        index.setdefault(_identity(each, asked), each)
    return index


def objects_in(source: Input) -> Iterator[KubernetesObject | Failed]:
    """Yield the objects of an input; where it cannot be read, why, and the rest of it is lost."""
    try:
        for document in documents(source.read()):
            for each in objects_of(source.name, document):
                yield Failed(f"{each.place}: {each.reason}") if isinstance(each, NoObject) else each
    except NoInput as err:
        yield Failed(str(err))
    except Unreadable as err:
        yield Failed(f"{source.name}:{err.line}: {err.reason}")


def _identity(each: KubernetesObject, asked: Asked) -> Identity:
    """Say which object it is; outside of namespaces neither side says one, so that both get the same."""
    return each.group, each.kind, each.namespace or asked.namespace or DEFAULT_NAMESPACE, each.name


def _decoded(review: Mapping[str, Any]) -> Request:
    """Send a review through the same door as the webhook's."""
    try:
        body = orjson.dumps(review)
    except (TypeError, RecursionError) as err:
        raise NoRequest(_TOO_MUCH) from err
    if len(body) > BODY_LIMIT_BYTES:
        raise NoRequest(f"too large for a request; allowed: {BODY_LIMIT_BYTES} bytes")
    return decode(body)
