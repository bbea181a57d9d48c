"""Arguments of exec.

**Rule.** The command of an exec is an argument vector: values of flags and assignments whose names promise a
secret, the password flags of known programs, the same in `sh -c` texts, and whatever the value rules find. Only the
secret is masked.

**Fields.** PodExecOptions `command`; `requestURI` of audit events of pods/exec and pods/attach (`command` parameters).

**Source.** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ (connect POST requests of
exec)
"""

from typing import Any

from masking.arguments import argument_spans
from masking.channels.command_arguments import vector
from masking.structure import Channel, Hand, Place
from masking.uri import command_spans, decoded_spans, query_spans

ID = "exec-arguments"


def applies(place: Place) -> bool:
    """Tell whether the place is the command of an exec, or the URI of one."""
    if place.kind == "Event":
        uri = place.holder.get("requestURI")
        path = uri.partition("?")[0] if isinstance(uri, str) else ""
        return place.local == ("requestURI",) and path.endswith(("/exec", "/attach"))
    return place.kind == "PodExecOptions" and place.local == ("command",)


def treat(hand: Hand, value: Any, place: Place) -> Any:
    """Mask the secret arguments."""
    if not isinstance(value, str):
        return vector(hand, value, place, ID)
    if place.kind != "Event":
        return hand.text(value, place, (span for _, span in argument_spans([value], ID)))
    spans = (*command_spans(value, ID), *query_spans(value, ID), *decoded_spans(value, hand.spans))
    return hand.text(value, place, spans)


CHANNEL = Channel(
    ID, applies, treat, fields=("command", "requestURI").__contains__, kinds=frozenset(("PodExecOptions",))
)
