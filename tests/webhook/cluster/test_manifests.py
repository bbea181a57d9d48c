"""A changed configuration is seen by our fields only, and named without values."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.webhook.cluster.build import ENDPOINT
from webhook.cluster.manifests import configuration, differs
from webhook.cluster.registration import guard_configurations

WANTED = guard_configurations(ENDPOINT)[0]


def edited(edit: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    live = copy.deepcopy(WANTED)
    edit(live)
    return live


@pytest.mark.parametrize(
    ("edit", "different"),
    [
        pytest.param(lambda live: None, [], id="what we wrote stands"),
        pytest.param(
            lambda live: live["metadata"].update(annotations={"a": "b"}, uid="1"), [], id="others' metadata is not ours"
        ),
        pytest.param(lambda live: live["metadata"]["labels"].update(team="x"), [], id="another label is not ours"),
        pytest.param(
            lambda live: live["metadata"]["labels"].clear(),
            ["metadata.labels[app.kubernetes.io/managed-by]"],
            id="our label",
        ),
        pytest.param(
            lambda live: live["webhooks"][0].update(failurePolicy="Ignore"),
            ["webhooks[0].failurePolicy"],
            id="one field",
        ),
        pytest.param(
            lambda live: live["webhooks"][0]["objectSelector"].update(matchLabels={}),
            ["webhooks[0].objectSelector.matchLabels"],
            id="a selector was added",
        ),
        pytest.param(
            lambda live: live["webhooks"][0]["clientConfig"]["service"].update(path="/x"),
            ["webhooks[0].clientConfig.service.path"],
            id="the path, without its value",
        ),
        pytest.param(
            lambda live: live["webhooks"][0]["rules"][0]["resources"].pop(),
            ["webhooks[0].rules[0].resources"],
            id="a shorter list",
        ),
        pytest.param(lambda live: live["webhooks"].append({}), ["webhooks"], id="a webhook more"),
        pytest.param(lambda live: live.pop("webhooks"), ["webhooks"], id="all webhooks gone"),
    ],
)
def test_what_differs(edit: Callable[[dict[str, Any]], object], different: list[str]) -> None:
    assert differs(WANTED, edited(edit)) == different


def test_an_empty_list_that_the_api_server_leaves_out_is_no_difference() -> None:
    """A configuration without webhooks comes back without the field."""
    empty = configuration("ValidatingWebhookConfiguration", "x", [])
    assert differs(empty, {"metadata": empty["metadata"]}) == []
