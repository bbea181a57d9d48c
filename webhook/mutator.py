"""Answers the mutating call: what the Mutate rules set, as a JSON patch.

It lets pass whatever it does not stop; whether a request may pass, the validating call says, on the final object.
"""

from webhook.admission import message
from webhook.admission.request import Request
from webhook.admission.review import Answer
from webhook.admission.verdict import Action, verdict_of
from webhook.cluster.client import Cluster
from webhook.cluster.policies import Policies
from webhook.cluster.surroundings import namespace_of
from webhook.policy.mutation import mutate
from webhook.policy.protection import Protected


class Mutator:
    """Mutates one call after another."""

    def __init__(self, *, cluster: Cluster, policies: Policies, protected: Protected) -> None:
        self._cluster = cluster
        self._policies = policies
        self._protected = protected

    async def mutate(self, request: Request, *, revision: str) -> Answer:
        """Answer one call.

        Raises:
            ClusterError: the policies of that revision, or the Namespace, are not known here. The caller answers so
                that the API server tries again or refuses.
        """
        policies = await self._policies.at(revision)
        namespace = await namespace_of(self._cluster, policies, request)
        mutation = mutate(request, policies, protected=self._protected, namespace=namespace)
        verdict = verdict_of(mutation.findings, ())
        if verdict.action is Action.DENY:
            return message.denied(verdict)
        return message.mutated(verdict, mutation.patch, mutation.written)
