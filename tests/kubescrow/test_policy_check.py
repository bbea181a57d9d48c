"""`kubescrow policy check|lint`: what would be denied or held, said without a cluster, in words and exit codes."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kubescrow.checking.kinds import TABLE
from kubescrow.manifests.document import Unreadable
from kubescrow.manifests.stream import documents
from tests.controlplane.controlplane import ControlPlane
from tests.kubescrow.kinds import rows
from tests.kubescrow.typed import kubescrow
from tests.webhook.checks.cases import cases
from tests.webhook.policy.language import policy, rule

BOT = [{"serviceAccount": {"namespace": "agents", "name": "bot"}}]
PRIVILEGED = {"containers": [{"name": "c", "image": "i", "securityContext": {"privileged": True}}]}
PLAIN = {"containers": [{"name": "c", "image": "i"}]}
DENIES = rule("Deny", name="no-privileged", check="privileged-containers")
HOLDS = rule("Hold", name="ask", match={"operations": ["DELETE"], "resources": ["namespaces"]})


def pod(spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """Write a Pod."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", **metadata}, "spec": spec or PLAIN}


@pytest.fixture
def rules(tmp_path: Path) -> str:
    """A file with a policy for agents/bot that denies privileged Pods and holds the deletion of Namespaces."""
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump({**policy(DENIES, HOLDS, name="production", subjects=BOT)}))
    return str(path)


def written(tmp_path: Path, *objects: Any, name: str = "manifests.yaml") -> str:
    """Write objects into one YAML file."""
    path = tmp_path / name
    path.write_text(yaml.safe_dump_all(objects))
    return str(path)


def checked(*args: str, code: int, **more: Any) -> list[dict[str, Any]]:
    """Run the command with `-o json`, which must end with this code; return its lines."""
    result = kubescrow("policy", "check", *args, "-o", "json", **more)
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def verdicts(*args: str, code: int, **more: Any) -> list[str]:
    """The verdict of each object."""
    return [line["verdict"] for line in checked(*args, code=code, **more)]


def test_each_object_has_a_line_with_its_verdict_and_findings(tmp_path: Path, rules: str) -> None:
    """A denied one ends the command with 1; the line says file, document, rule, check and message."""
    file = written(tmp_path, pod(), pod(PRIVILEGED, name="root"))
    first, second = checked("--policies", rules, file, code=1)
    assert (first["verdict"], first["findings"]) == ("Allow", [])
    assert (second["file"], second["document"], second["verdict"]) == (file, 2, "Deny")
    (finding,) = second["findings"]
    assert (finding["policy"], finding["rule"], finding["check"]) == (
        "production", "no-privileged", "privileged-containers"
    )  # fmt: skip
    assert "securityContext.privileged=true; remove it" in finding["message"]


def test_what_is_allowed_ends_with_zero(tmp_path: Path, rules: str) -> None:
    """So that CI goes on; the sum is on standard error."""
    result = kubescrow("policy", "check", "--policies", rules, written(tmp_path, pod()))
    assert (result.exit_code, result.stdout) == (0, "")
    assert "1 object: 1 allowed, 0 warned, 0 held, 0 denied" in result.stderr


def test_a_hold_ends_with_one(tmp_path: Path, rules: str) -> None:
    """CI must know that a person will be asked."""
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "prod"}}
    assert verdicts("--policies", rules, written(tmp_path, namespace), "--operation", "delete", code=1) == ["Hold"]


def test_standard_input_lists_and_directories_are_read(tmp_path: Path, rules: str) -> None:
    """As helm, kustomize and kubectl write them."""
    many = {"apiVersion": "v1", "kind": "List", "items": [pod(), pod(PRIVILEGED)]}
    assert verdicts("--policies", rules, "-", code=1, stdin=json.dumps(many)) == ["Allow", "Deny"]
    (folder := tmp_path / "chart").mkdir()
    written(folder, pod(), name="a.yaml")
    (folder / "b.json").write_text(json.dumps(pod(PRIVILEGED)))
    (folder / "values.txt").write_text("not: [read")
    assert verdicts("--policies", rules, str(folder), code=1) == ["Allow", "Deny"]


def test_a_recorded_review_is_judged_as_its_own_user(tmp_path: Path, rules: str) -> None:
    """And as another, if one is named."""
    request = {
        "uid": "1", "operation": "CREATE", "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"}, "namespace": "agents", "name": "web",
        "userInfo": {"username": "jane"}, "object": pod(PRIVILEGED),
    }  # fmt: skip
    review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}
    file = written(tmp_path, review)
    assert verdicts("--policies", rules, file, code=0) == ["Allow"]
    assert verdicts("--policies", rules, file, "--as", "system:serviceaccount:agents:bot", code=1) == ["Deny"]


def test_an_update_is_judged_against_what_is(tmp_path: Path) -> None:
    """A condition sees both objects; what is not there yet is created."""
    changed = rule("Deny", name="r", match={"operations": ["UPDATE"]}, condition="object.spec != oldObject.spec")
    rules = written(tmp_path, policy(changed, subjects=BOT), name="policy.yaml")
    old = written(tmp_path, pod(), name="old.yaml")
    options = ("--policies", rules, "--operation", "UPDATE", "--old", old)
    assert verdicts(*options, written(tmp_path, pod(PRIVILEGED)), code=1) == ["Deny"]
    assert verdicts(*options, written(tmp_path, pod()), code=0) == ["Allow"]
    assert verdicts(*options, written(tmp_path, pod(name="new")), code=0) == ["Allow"]


def test_a_static_token_is_denied(tmp_path: Path, rules: str) -> None:
    """--unbound shows what an agent with one would be told."""
    (line,) = checked("--policies", rules, written(tmp_path, pod()), "--unbound", code=1)
    assert [finding["rule"] for finding in line["findings"]] == ["unbound-token"]


def test_a_subresource_is_sent_what_it_takes(tmp_path: Path) -> None:
    """`--subresource scale` makes a Scale of a Deployment."""
    big = rule(
        "Deny", match={"resources": ["deployments/scale"], "apiGroups": ["apps"]}, condition="object.spec.replicas > 3"
    )
    rules = written(tmp_path, policy(big, subjects=BOT), name="policy.yaml")
    web = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 9}}
    file = written(tmp_path, web)
    assert verdicts("--policies", rules, file, "--subresource", "scale", "--old", file, code=1) == ["Deny"]


def test_a_kind_that_nobody_defined_is_a_guess_that_is_told(tmp_path: Path, rules: str) -> None:
    """Its definition, given by --crds, makes it certain."""
    thing = {"apiVersion": "example.com/v1", "kind": "Policy", "metadata": {"name": "x"}}
    names = {"plural": "policies", "kind": "Policy"}
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "c"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": names, "versions": [{"name": "v1"}]},
    }  # fmt: skip
    file = written(tmp_path, thing)
    (line,) = checked("--policies", rules, file, code=0)
    assert any("is a guess; give its CustomResourceDefinition by --crds" in note for note in line["notes"])
    (line,) = checked("--policies", rules, file, "--crds", written(tmp_path, crd, name="crd.yaml"), code=0)
    assert (line["namespace"], line["notes"]) == ("", [])


WRONG = {
    "no such file": (["--policies", "{rules}", "missing.yaml"], "FILE missing.yaml: not readable"),
    "no such policy": (["--policies", "missing.yaml", "{file}"], "--policies missing.yaml: not readable"),
    "no policy in it": (["--policies", "{file}", "{file}"], "there is no AgentPolicy in it"),
    "operation": (["--policies", "{rules}", "{file}", "--operation", "PATCH"], "--operation PATCH: allowed: CREATE"),
    "namespace": (["--policies", "{rules}", "{file}", "-n", "A b"], "--namespace A b: allowed:"),
    "labels": (["--policies", "{rules}", "{file}", "--namespace-labels", "a"], "--namespace-labels a: allowed:"),
    "user": (["--policies", "{rules}", "{file}", "--as", "jane"], "--as jane: no policy names this user"),
    "subresource": (["--policies", "{rules}", "{file}", "--subresource", "scale"], "pods has no subresource scale"),
    "update of what": (["--policies", "{rules}", "{file}", "--operation", "UPDATE"], "give it by --old"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_wrong_use_is_told_with_what_is_allowed(tmp_path: Path, rules: str, sentence: str) -> None:
    """Exit code 2, nothing judged, no traceback."""
    arguments, text = WRONG[sentence]
    file = written(tmp_path, pod())
    result = kubescrow("policy", "check", *(each.format(rules=rules, file=file) for each in arguments))
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert text in result.stderr
    assert "Traceback" not in result.stderr


UNREADABLE = {
    "not YAML": ("a: [1", "manifests.yaml:"),
    "a key twice": ("kind: Pod\nkind: Secret\n", "manifests.yaml:2: the same key twice"),
    "no object": ("- 1\n", "manifests.yaml"),
    "no kind": ("apiVersion: v1\n", "kind"),
    "a number that JSON lacks": ("apiVersion: v1\nkind: Pod\nx: .nan\n", "manifests.yaml:3"),
    "binary": ("\x00\x01\x02", "manifests.yaml"),
    "deeply nested": ("a: " + "[" * 5000, "manifests.yaml"),
    "a bomb of aliases": ("a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)), "manifests.yaml"),
}  # fmt: skip


@pytest.mark.parametrize("sentence", UNREADABLE)
def test_what_cannot_be_read_is_told_and_the_rest_is_judged(tmp_path: Path, rules: str, sentence: str) -> None:
    """Exit code 2, because not everything was judged; quickly, whatever it is."""
    text, told = UNREADABLE[sentence]
    (tmp_path / "manifests.yaml").write_text(text)
    good = written(tmp_path, pod(PRIVILEGED), name="good.yaml")
    began = time.monotonic()
    result = kubescrow("policy", "check", "--policies", rules, str(tmp_path / "manifests.yaml"), good)
    assert (result.exit_code, "no-privileged" in result.stdout) == (2, True), result.output
    assert told in result.stderr
    assert "Traceback" not in result.stderr
    assert time.monotonic() - began < 20


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_documents_or_unreadable(content: bytes) -> None:
    """Nothing else comes of them, and what is read can be written as JSON."""
    try:
        for document in documents(content):
            json.dumps(document.value, allow_nan=False)
    except Unreadable as err:
        assert err.reason  # noqa: PT017 -- either end is right


def test_lint_tells_every_problem_of_every_policy(tmp_path: Path, rules: str) -> None:
    """Exit code 1 and file, line, field and what is allowed; 0 and no line when all compile."""
    bad = policy(rule("Deny", check="no-such"), rule("Deny", name="x", condition="object."), name="bad", subjects=BOT)
    result = kubescrow("policy", "lint", written(tmp_path, bad), rules)
    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if "spec.rules[0].check" in line]
    assert [line for line in result.stdout.splitlines() if "spec.rules[1].condition" in line]
    fine = kubescrow("policy", "lint", rules)
    assert (fine.exit_code, fine.stdout) == (0, "")


def test_nothing_is_judged_by_a_policy_that_does_not_compile(tmp_path: Path) -> None:
    """Every problem is told, with exit code 2."""
    bad = written(tmp_path, policy(rule("Deny", check="no-such"), subjects=BOT), name="policy.yaml")
    result = kubescrow("policy", "check", "--policies", bad, written(tmp_path, pod()))
    assert (result.exit_code, result.stdout) == (2, "")
    assert 'policy p: spec.rules[0].check: "no-such' in result.stderr


@pytest.mark.parametrize("check", sorted({case.check for case in cases() if case.is_manifest}))
def test_the_cases_of_every_check_are_judged_as_they_say(tmp_path: Path, check: str) -> None:
    """Passes end with 0, fails with 1 and the golden findings; a case that is a request is no manifest."""
    plain = {str(case.path): case for case in cases(check) if case.is_manifest}
    denies = policy(rule("Deny", check=check), subjects=BOT, defaults={"kubeSystem": "Allow"})
    rules = written(tmp_path, denies, name="policy.yaml")
    passes = [path for path, case in plain.items() if not case.findings]
    assert set(verdicts("--policies", rules, *passes, code=0)) == {"Allow"}
    fails = [path for path, case in plain.items() if case.findings]
    for line in checked("--policies", rules, *fails, code=1) if fails else ():
        assert sorted(finding["message"] for finding in line["findings"]) == sorted(plain[line["file"]].findings)


def test_the_table_of_kinds_is_what_kubernetes_serves(controlplane: ControlPlane) -> None:
    """Every row that this API server serves is in the table, as it is: python -m tests.kubescrow.kinds writes it."""
    table = {line for line in TABLE.read_text().splitlines() if not line.startswith("#")}
    served = {row for row in rows(controlplane.admin) if ".kubescrow.dev" not in row and "kubescrow.dev" not in row}
    assert served <= table
