"""What must be true of the house as a whole: nothing undocumented, nothing orphaned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

import auditsink.metrics
import auditsink.settings
import webhook.metrics
import webhook.settings

ROOT = Path(__file__).resolve().parent.parent


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    """docs/settings.md is the list of settings."""
    servers = (webhook.settings, auditsink.settings)
    prefixes = {server.PREFIX for server in servers}
    documented = set(re.findall(r"`(ESCROW_\w+)`", (ROOT / "docs/settings.md").read_text())) - prefixes
    assert documented == {
        f"{server.PREFIX}{name.upper()}" for server in servers for name in server.Settings.model_fields
    }


def test_every_metric_is_documented_and_every_documented_metric_exists() -> None:
    """docs/metrics.md is the list of metrics."""
    documented = set(re.findall(r"^\| `(kubescrow_\w+)`", (ROOT / "docs/metrics.md").read_text(), re.MULTILINE))
    values = [value for server in (webhook.metrics, auditsink.metrics) for value in vars(server).values()]
    assert documented == {
        name for each in values if isinstance(each, Counter | Gauge | Histogram) for name in _names(each)
    }


def _names(metric: Counter | Gauge | Histogram) -> set[str]:
    (family,) = metric.collect()
    name = family.name
    return {f"{name}_total"} if isinstance(metric, Counter) else {name}


@pytest.mark.parametrize(
    "document", sorted(ROOT.glob("*.md")) + sorted(ROOT.glob("docs/**/*.md")), ids=lambda p: p.name
)
def test_every_link_between_documents_leads_somewhere(document: Path) -> None:
    """A relative link names a file that exists."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("manifest", sorted(ROOT.glob("manifests/**/*.yaml")), ids=lambda p: p.name)
def test_every_manifest_parses_and_grants_no_wildcard(manifest: Path) -> None:
    """No role of ours contains a wildcard."""
    for document in yaml.safe_load_all(manifest.read_text()):
        for rule in document.get("rules", ()):
            granted = [*rule.get("verbs", ()), *rule.get("resources", ()), *rule.get("apiGroups", ())]
            assert "*" not in granted, (document["metadata"]["name"], rule)


def test_the_readme_shows_the_policy_of_the_demo() -> None:
    """The story in the README is the one that `make demo` tells."""
    shown = re.search(r"```yaml\n(apiVersion.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert shown is not None
    assert yaml.safe_load(shown[1]) == yaml.safe_load((ROOT / "demo/policy.yaml").read_text())
