"""`kubescrow policy lint`: every problem of policies, before they meet a cluster."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

from kubescrow.checking import policies
from tests.kubescrow.typed import kubescrow, refused
from tests.webhook.policy.language import policy, rule
from webhook.trial.children import try_all


def test_policies_that_compile_are_counted(tmp_path: Path) -> None:
    """And nothing else is said."""
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump_all([policy(rule(), name="a"), policy(name="b")]))
    result = kubescrow("policy", "lint", str(path))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "2 policies, 0 problems\n")


def test_every_problem_is_a_line(tmp_path: Path) -> None:
    """With the place, the policy, the field, what was found and what is allowed."""
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(policy(rule("Denny"), rule(name="Name"))))
    result = kubescrow("policy", "lint", str(path))
    first, second = result.stdout.splitlines()
    assert (
        first
        == f'{path}:1: policy p: spec.rules[0].action: "Denny" is not allowed; use one of Deny, Hold, Warn, Mutate'
    )
    assert second.startswith(f'{path}:1: policy p: spec.rules[1].name: "Name" is not allowed; use lower case letters')
    assert (result.exit_code, result.stderr) == (1, "1 policy, 2 problems\n")
    as_json = kubescrow("policy", "lint", "-o", "json", str(path))
    assert [json.loads(line)["problem"] for line in as_json.stdout.splitlines()] == [first, second]


def test_what_is_no_policy_is_wrong_use(tmp_path: Path) -> None:
    """A missing path, and a file without any."""
    path = tmp_path / "a.yaml"
    path.write_text("apiVersion: v1\nkind: Pod\n")
    assert refused("policy", "lint", str(path)) == f"--policies {path}: there is no AgentPolicy in it"
    assert refused("policy", "lint", "/no") == "--policies /no: not readable: No such file or directory"
    assert refused("policy", "lint", "-o", "yaml", str(path)) == "--output yaml: allowed: text, json"


def test_what_the_trial_refuses_is_a_problem_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As at apply; and it is not compiled in this process."""
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump_all([policy(rule(condition="true")), policy(rule(condition="1 +"), name="q")]))
    words = [{}, *[{"found": [["spec.x", "r", "it is dear"]]}] * 2]
    says = "; ".join(f"print({json.dumps(word)!r}, flush=True)" for word in words)
    command = (sys.executable, "-c", f"import sys; {says}; sys.stdin.read()")
    monkeypatch.setattr(policies, "try_all", lambda given: try_all(given, command=command))
    result = kubescrow("policy", "lint", str(path))
    first, second = result.stdout.splitlines()
    assert first.startswith(f"{path}:1: policy p: spec.x: its cost is not allowed; use an expression that compiles")
    assert first.endswith("it is dear")
    assert "its cost is not allowed" in second
    assert result.exit_code == 1


def test_policies_that_cannot_be_tried_are_wrong_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is known of them then."""
    path = tmp_path / "a.yaml"
    path.write_text(yaml.safe_dump(policy(rule(condition="true"))))
    monkeypatch.setattr(policies, "try_all", lambda given: try_all(given, command=("/nothing/here",)))
    assert refused("policy", "lint", str(path)) == "no process can be started to try policies in"
