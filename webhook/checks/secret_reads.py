"""Writes that answer with a Secret's data, to somebody who may not be allowed to get, list or watch it.

Admission sees a patch, an apply and a replacement as the same UPDATE with the same options, and the answer to an empty
patch is the whole Secret; so every UPDATE of a Secret that holds data counts. Whoever has the new data can delete the
Secret and create it anew, which answers with nothing that they have not sent; `kubectl replace --force` reads between
the two and stops there if it may not.

Not stopped, because no admission webhook is asked:

- `get`, `list`, `watch`: give no such permission by RBAC, or refuse them by the authorizer;
- a patch that the API server cannot make an object of: it is refused with the whole Secret in its text, before
  admission. Whoever may `patch` Secrets by RBAC can read them, whatever a policy says: leave out `patch`, or refuse it
  by the authorizer. Without it, this check leaves no write that answers with old data;
- Pods that mount the Secret, and guesses at its data.

Rule: no write answers with the data of a Secret that was there before.
Fields: every UPDATE of a Secret; `options.propagationPolicy`, `options.orphanDependents` and `metadata.finalizers` of
    a DELETE, and whether it is one Secret by its name. Dry runs count as well.
Allowed: CREATE; an UPDATE of a Secret without `data`; a DELETE of one Secret without finalizers, in the background,
    which is how kubectl deletes and is answered with a name only.
Source: k8s.io/apiserver/pkg/registry/generic/registry/store.go (Delete, DeleteCollection), endpoints/handlers/patch.go
    (patchToUpdateOptions); each tried in tests/integration/test_secret_reads.py
"""

from collections.abc import Iterator, Mapping
from typing import Any

from webhook.admission.request import Operation
from webhook.checks.check import Check
from webhook.checks.deletion import told_by_deletion
from webhook.checks.inspection import Inspection
from webhook.checks.scope import Scope

ID = "secret-reads"

SCOPES = (Scope.of(("UPDATE", "DELETE"), [""], ["secrets"]),)

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Where kubectl keeps what it sent last, also of a Secret that has been emptied since."""


def judge(inspection: Inspection) -> Iterator[str]:
    """Yield one message for each reason why the answer would hold data."""
    request = inspection.request
    if not any(scope.covers(request) for scope in SCOPES):
        return
    if request.operation is Operation.DELETE:
        yield from told_by_deletion(request)
    elif _holds_data(request.old_object):
        yield (
            "an update or patch of a Secret may answer with data that was not sent; "
            "delete it and create it anew, by kubectl delete and kubectl create"
        )


def _holds_data(secret: Any) -> bool:
    """Say whether there is something to read; what cannot be read as a Secret counts."""
    if not isinstance(secret, Mapping):
        return True
    annotations = _metadata(secret).get("annotations")
    return bool(secret.get("data")) or (isinstance(annotations, Mapping) and LAST_APPLIED in annotations)


def _metadata(obj: Any) -> Mapping[str, Any]:
    metadata = obj.get("metadata") if isinstance(obj, Mapping) else None
    return metadata if isinstance(metadata, Mapping) else {}


CHECK = Check(ID, judge, SCOPES)
