"""`kubescrow policy check`, as it is typed: what is judged, what is printed, and the exit code that CI goes by."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.kubescrow.typed import PROGRAM, kubescrow
from tests.webhook.approval.requests import DELIVERED
from tests.webhook.policy.language import policy, rule

BOT = "system:serviceaccount:agents:bot"
SUBJECT = {"serviceAccount": {"namespace": "agents", "name": "bot"}}
POLICY = policy(
    rule(name="no-privileged", check="privileged-containers"),
    rule("Hold", name="hold-secrets", match={"resources": ["secrets"]}),
    rule("Warn", name="warn-services", match={"resources": ["services"]}),
    rule(name="no-exec", match={"operations": ["CONNECT"]}),
    rule(name="no-prod", match={"namespaces": ["prod"]}),
    name="production",
    subjects=[SUBJECT],
)


def obj(kind: str = "ConfigMap", name: str = "a", *, namespace: str = "shop", **fields: Any) -> dict[str, Any]:
    """A manifest."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, **fields}


ALLOWED, WARNED, HELD = obj(), obj("Service"), obj("Secret")
DENIED = obj("Pod", spec={"containers": [{"name": "c", "securityContext": {"privileged": True}}]})


class Checked:
    """One run: exit code, lines of both streams, and each line of standard output as JSON where it is."""

    def __init__(self, *args: str, stdin: str | bytes = "") -> None:
        result = kubescrow("policy", "check", *args, stdin=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        self.code = result.exit_code
        self.out, self.err = result.stdout.splitlines(), result.stderr.splitlines()

    @property
    def documents(self) -> list[dict[str, Any]]:
        """What was printed with -o json."""
        return [json.loads(line) for line in self.out]

    @property
    def verdicts(self) -> list[str]:
        """The verdict of each."""
        return [document["verdict"] for document in self.documents]


@pytest.fixture
def by(tmp_path: Path) -> str:
    """The file of the policy."""
    return write(tmp_path / "policies.yaml", POLICY)


def write(path: Path, *values: Any) -> str:
    """Write documents of YAML, and return the path."""
    path.write_text(yaml.safe_dump_all(values))
    return str(path)


def check(by: str, *values: Any, options: tuple[str, ...] = ()) -> Checked:
    """Check documents from standard input, with JSON."""
    return Checked("--policies", by, "-o", "json", *options, "-", stdin=yaml.safe_dump_all(values))


# verdicts and exit codes


@pytest.mark.parametrize(
    ("value", "verdict", "code"),
    [(ALLOWED, "Allow", 0), (WARNED, "Warn", 0), (HELD, "Hold", 1), (DENIED, "Deny", 1)],
    ids=["allowed", "warned", "held", "denied"],
)
def test_exit_code(by: str, value: dict[str, Any], verdict: str, code: int) -> None:
    """0: all allowed or warned; 1: one is held or denied."""
    checked = check(by, ALLOWED, value, ALLOWED)
    assert (checked.verdicts, checked.code) == (["Allow", verdict, "Allow"], code)


def test_json_is_one_object_a_line(by: str, tmp_path: Path) -> None:
    """With the place, the request, and every finding."""
    path = write(tmp_path / "a.yaml", ALLOWED, DENIED)
    document = Checked("--policies", by, "-o", "json", path).documents[1]
    (finding,) = document.pop("findings")
    assert document == {
        "file": path, "document": 2, "line": 7, "item": "", "verdict": "Deny", "operation": "CREATE", "group": "",
        "resource": "pods", "namespace": "shop", "name": "a", "user": BOT, "notes": [],
    }  # fmt: skip
    message = finding.pop("message")
    assert finding == {
        "policy": "production", "rule": "no-privileged", "check": "privileged-containers", "action": "Deny",
    }  # fmt: skip
    assert message.startswith('privileged-containers: container "c" sets spec.containers[0]')


def test_text_is_one_line_a_finding_and_the_sum(by: str, tmp_path: Path) -> None:
    """To standard output, for grep, and to standard error, for people."""
    path = write(tmp_path / "a.yaml", ALLOWED, DENIED, HELD, WARNED)
    checked = Checked("--policies", by, path)
    assert [line.partition(": production/")[0] for line in checked.out] == [
        f"{path}:7: Deny CREATE pods shop/a",
        f"{path}:18: Hold CREATE secrets shop/a",
        f"{path}:24: Warn CREATE services shop/a",
    ]
    assert checked.err == ["4 objects: 1 allowed, 1 warned, 1 held, 1 denied"]


def test_a_policy_that_observes_tells_and_stops_nothing(by: str, tmp_path: Path) -> None:
    """What would have been denied passes."""
    write(Path(by), {**POLICY, "spec": {**POLICY["spec"], "mode": "Observe"}})
    checked = check(by, DENIED)
    assert (checked.verdicts, checked.code) == (["Allow"], 0)
    (finding,) = checked.documents[0]["findings"]
    assert finding["message"].startswith("observe: would deny: ")


# inputs


def test_a_directory_a_file_and_standard_input(by: str, tmp_path: Path) -> None:
    """In this order, in one run."""
    folder = tmp_path / "manifests"
    folder.mkdir()
    paths = [write(folder / "a.yaml", ALLOWED), write(folder / "b.json", WARNED), write(tmp_path / "c.yaml", HELD)]
    checked = Checked(
        "--policies", by, "-o", "json", str(folder), paths[2], "-", stdin=json.dumps(DENIED) + json.dumps(ALLOWED)
    )
    assert [document["file"] for document in checked.documents] == [*paths, "standard input", "standard input"]
    assert checked.verdicts == ["Allow", "Warn", "Hold", "Deny", "Allow"]


def test_items_of_a_list_are_judged_one_by_one(by: str) -> None:
    """As `kubectl get -o yaml` writes them."""
    checked = check(by, obj(), {"apiVersion": "v1", "kind": "List", "items": [ALLOWED, DENIED]})
    places = [(document["document"], document["item"], document["verdict"]) for document in checked.documents]
    assert places == [(1, "", "Allow"), (2, "items[0]", "Allow"), (2, "items[1]", "Deny")]


def test_rendered_charts_have_comments_and_empty_documents(by: str) -> None:
    """As helm prints them."""
    text = f"---\n# Source: a.yaml\n---\n# Source: b.yaml\n{yaml.safe_dump(DENIED)}---\n\n---\n"
    checked = Checked("--policies", by, "-o", "json", "-", stdin=text)
    assert [(document["document"], document["line"]) for document in checked.documents] == [(2, 5)]


def test_policies_from_several_places_and_other_kinds_beside_them(by: str, tmp_path: Path) -> None:
    """What is no policy is skipped with a note."""
    folder = tmp_path / "more"
    folder.mkdir()
    more = policy(rule(match={"resources": ["configmaps"]}), name="more", subjects=[SUBJECT])
    write(folder / "a.yaml", obj("Namespace"), {"apiVersion": "v1", "kind": "List", "items": [more]})
    checked = check(by, ALLOWED, options=("--policies", str(folder)))
    assert checked.verdicts == ["Deny"]
    assert checked.err == [f"note: {folder}/a.yaml:1: skipped, a Namespace is no AgentPolicy"]


# as whom


def test_the_user_is_the_only_service_account_or_the_one_that_is_said(by: str) -> None:
    """With the groups that Kubernetes gives it, so that a policy of a group is met."""
    write(Path(by), {**POLICY, "spec": {**POLICY["spec"], "subjects": [{"group": "system:serviceaccounts:ci"}]}})
    unsaid = check(by, ALLOWED)
    assert (unsaid.code, unsaid.out) == (2, [])
    assert unsaid.err[0].startswith("--as is left out and the policies do not name exactly one ServiceAccount")
    said = check(by, DENIED, options=("--as", "system:serviceaccount:ci:runner"))
    assert (said.verdicts, said.code) == (["Deny"], 1)
    group = check(by, DENIED, options=("--as", "jane", "--as-group", "system:serviceaccounts:ci"))
    assert (group.verdicts, group.documents[0]["user"]) == (["Deny"], "jane")


def test_a_user_whom_no_policy_names_is_wrong_use(by: str) -> None:
    """A typing mistake in a CI file must not let everything pass."""
    checked = check(by, DENIED, options=("--as", "system:serviceaccount:agents:bto"))
    assert (checked.code, checked.out) == (2, [])


def test_an_unbound_credential_is_denied_by_default(by: str) -> None:
    """As in a cluster."""
    assert check(by, ALLOWED).verdicts == ["Allow"]
    checked = check(by, ALLOWED, options=("--unbound",))
    assert [finding["rule"] for finding in checked.documents[0]["findings"]] == ["unbound-token"]


# operations


def test_update_takes_what_is_there_from_old(by: str, tmp_path: Path) -> None:
    """Matched by kind, namespace and name; what is not there yet is created, and that is said."""
    condition = "has(oldObject.data) && object.data != oldObject.data"
    write(Path(by), policy(rule(condition=condition, match={"operations": ["UPDATE"]}), subjects=[SUBJECT]))
    old = write(tmp_path / "old.yaml", obj(data={"a": "1"}), obj(name="b", data={"a": "1"}), obj("Secret", name="c"))
    changed, same, new = obj(data={"a": "2"}), obj(name="b", data={"a": "1"}), obj(name="c", data={"a": "1"})
    checked = check(by, changed, same, new, options=("--operation", "update", "--old", old))
    assert [(document["operation"], document["verdict"]) for document in checked.documents] == [
        ("UPDATE", "Deny"), ("UPDATE", "Allow"), ("CREATE", "Allow")]  # fmt: skip
    assert checked.documents[2]["notes"] == ["not in --old: judged as CREATE"]


def test_update_without_old_is_not_judged(by: str) -> None:
    """Rules that compare would see nothing to compare with."""
    checked = check(by, ALLOWED, options=("--operation", "UPDATE"))
    assert (checked.code, checked.out) == (2, [])
    assert checked.err == ["standard input:1: UPDATE of configmaps: how it is now is not known; give it by --old"]


def test_delete_judges_the_manifest_as_what_is_deleted(by: str) -> None:
    """Without an object, as in a cluster."""
    write(Path(by), policy(rule(condition="object == null && oldObject.data.a == '1'"), subjects=[SUBJECT]))
    assert check(by, obj(data={"a": "1"}), options=("--operation", "DELETE")).verdicts == ["Deny"]


def test_a_subresource_has_its_own_operation(by: str) -> None:
    """`--subresource exec` alone is CONNECT: a CREATE of it never comes, and would be allowed."""
    checked = check(by, obj("Pod"), options=("--subresource", "exec"))
    assert [document["resource"] for document in checked.documents] == ["pods/exec"]
    assert [finding["rule"] for finding in checked.documents[0]["findings"]] == ["no-exec"]
    refused = check(by, obj("Pod"), options=("--subresource", "exec", "--operation", "CREATE"))
    assert refused.code == 2


# namespaces and kinds


def test_conditions_read_the_namespace_and_params_that_are_given(tmp_path: Path) -> None:
    """As on a cluster; a Namespace that is not known denies, and the note says what to give."""
    condition = "namespaceObject.metadata.labels.env in params.envs"
    by = write(tmp_path / "p.yaml", policy(rule(condition=condition), params={"envs": ["prod"]}, subjects=[SUBJECT]))
    prod, dev = (check(by, ALLOWED, options=("--namespace-labels", f"env={env}")) for env in ("prod", "dev"))
    assert (prod.verdicts, dev.verdicts) == (["Deny"], ["Allow"])
    unknown = check(by, ALLOWED)
    assert unknown.verdicts == ["Deny"]
    assert "the Namespace that the object lies in is not known" in unknown.documents[0]["findings"][0]["message"]
    (note,) = unknown.documents[0]["notes"]
    assert note.startswith("namespace shop is not known: ")
    assert note.endswith("; give it by --namespaces or --namespace-labels")


def test_a_namespace_is_asked_for_once_for_all(by: str) -> None:
    """The note names the first object; with --namespace there is none, and the rules about it are met."""
    bare = [{**obj(name=name), "metadata": {"name": name}} for name in ("a", "b", "c")]
    unsaid = check(by, *bare)
    assert unsaid.verdicts == ["Allow"] * 3
    note = "no namespace in it and no --namespace: judged in namespace default"
    assert unsaid.err == [f"note: standard input:1 (and 2 more): {note}"]
    said = check(by, *bare, options=("-n", "prod"))
    assert (said.verdicts, said.err) == (["Deny"] * 3, [])


WIDGET = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a", "namespace": "shop"}}


def crd(plural: str) -> dict[str, Any]:
    """The definition of Widgets."""
    spec = {"group": "example.com", "scope": "Namespaced", "names": {"plural": plural, "kind": "Widget"}}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "spec": spec}
    return {**definition, "metadata": {"name": f"{plural}.example.com"}}


def test_custom_kinds_are_defined_named_or_guessed(by: str, tmp_path: Path) -> None:
    """Wherever the definition stands among the manifests; one that is named wins."""
    guessed = check(by, WIDGET)
    assert [document["resource"] for document in guessed.documents] == ["widgets"]
    assert guessed.err == ["note: standard input:1: Widget of example.com: resource widgets, namespaced, is a guess; "
                           "give its CustomResourceDefinition by --crds"]  # fmt: skip
    among = check(by, WIDGET, crd("widgetry"))
    assert among.documents[0]["resource"] == "widgetry"
    assert "says a CustomResourceDefinition among the manifests" in among.err[0]
    named = write(tmp_path / "crd.yaml", crd("wadgets"))
    both = check(by, WIDGET, crd("widgetry"), options=("--crds", named))
    assert (both.documents[0]["resource"], both.err) == ("wadgets", [])


def test_namespaces_and_labels_are_read(by: str, tmp_path: Path) -> None:
    """Whatever the rules ask of them."""
    named = write(tmp_path / "namespaces.yaml", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    checked = check(by, ALLOWED, options=("--namespaces", named, "--namespace-labels", "env=prod,example.com/a="))
    assert (checked.verdicts, checked.err) == (["Allow"], [])


# recorded reviews


def reviews() -> list[dict[str, Any]]:
    """Every review of a real API server that is recorded here."""
    found = (yaml.safe_load(path.read_text())[0] for path in sorted(DELIVERED.glob("*.yaml")))
    return [{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request} for request in found]


def test_recorded_reviews_are_judged_as_they_are(by: str) -> None:
    """As their own user, whom this policy does not name, which is said; --as puts another one in."""
    own = check(by, *reviews())
    assert set(own.verdicts) == {"Allow"}
    assert own.documents[0]["notes"][0].startswith("no policy names ")
    other = check(by, *reviews(), options=("--as", BOT))
    assert {document["user"] for document in other.documents} == {BOT}
    found = {document["resource"]: document["verdict"] for document in other.documents}
    assert (found["secrets"], found["pods/exec"], found["configmaps" if "configmaps" in found else "pods"]) == (
        "Hold", "Deny", "Allow")  # fmt: skip


def test_reads_are_judged_as_the_authorizer_would(tmp_path: Path) -> None:
    """A SubjectAccessReview says who reads what; a write is none of its business."""
    match = {"operations": ["GET", "LIST", "WATCH"], "apiGroups": [""], "resources": ["secrets"]}
    policies = tmp_path / "reads.yaml"
    policies.write_text(yaml.safe_dump(policy(rule(name="no-secrets", match=match), subjects=[SUBJECT])))
    reviews = [
        {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": {"verb": verb, "resource": "secrets", "namespace": "shop"}},
        }
        for user, verb in ((BOT, "list"), (BOT, "patch"), ("jane", "get"), (BOT, "impersonate"), (BOT, "create"))
    ]
    run = Checked("--policies", str(policies), "-o", "json", "-", stdin=yaml.safe_dump_all(reviews))
    assert run.verdicts == ["Deny", "Deny", "Allow", "Deny"]
    assert run.documents[0]["findings"][0]["rule"] == "no-secrets"
    assert run.documents[2]["notes"] == ["no policy names jane: everything is allowed"]
    assert "spec.resourceAttributes.verb; allowed: get, list, watch, patch, " in "".join(run.err)


def test_a_review_that_is_none_is_told(by: str) -> None:
    """As the webhook would tell it, with the place."""
    checked = check(by, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {}})
    assert checked.code == 2
    assert checked.err == ["standard input:1: request: found nothing; allowed: an object"]
    checked = check(by, {"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview", "request": {}})
    assert "allowed: admission.k8s.io/v1" in checked.err[0]


# wrong use and hostile input


def test_one_bad_document_costs_no_other(by: str, tmp_path: Path) -> None:
    """All that can be judged is; the exit code is 2, whatever else was found."""
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [")
    good = write(tmp_path / "good.yaml", {"kind": "x"}, DENIED)
    checked = Checked("--policies", by, str(bad), good)
    assert checked.code == 2
    assert [line.split(": ")[1] for line in checked.out] == ["Deny CREATE pods shop/a"]
    assert checked.err == [
        f"{bad}:2: not YAML: did not find expected node content",
        f"{good}:1: apiVersion: found nothing; allowed: text",
        "1 object: 0 allowed, 0 warned, 0 held, 1 denied, 2 not judged",
    ]


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "an operation that is none": (
        ("--operation", "PATCH"),
        "--operation PATCH: allowed: CREATE, UPDATE, DELETE, CONNECT",
    ),
    "a namespace that is none": (("-n", "A b"), "--namespace A b: allowed: the name of a namespace, such as shop"),
    "labels that are none": (("--namespace-labels", "env"), "--namespace-labels env: allowed: labels such as env=prod"),
    "a missing file": (("/no.yaml",), "FILE /no.yaml: not readable: No such file or directory"),
    "missing policies": (("--policies", "/no"), "--policies /no: not readable: No such file or directory"),
    "missing old": (("--old", "/no"), "--old /no: not readable: No such file or directory"),
    "missing definitions": (("--crds", "/no"), "--crds /no: not readable: No such file or directory"),
    "missing namespaces": (("--namespaces", "/no"), "--namespaces /no: not readable: No such file or directory"),
    "another output": (("-o", "yaml"), "--output yaml: allowed: text, json"),
    "an option that is none": (("--policy", "a"), "Error: No such option: --policy"),
}


@pytest.mark.parametrize(("options", "told"), WRONG.values(), ids=WRONG.keys())
def test_wrong_use_is_told(by: str, options: tuple[str, ...], told: str) -> None:
    """In one line, before anything is judged."""
    checked = Checked("--policies", by, "-", *options, stdin=json.dumps(DENIED))
    assert (checked.code, checked.out) == (2, [])
    assert checked.err[-1].startswith(told)


@pytest.mark.parametrize("text", ["", "---\n# nothing\n---\n", '{"apiVersion": "v1", "kind": "List", "items": []}'])
def test_nothing_to_judge_is_wrong_use(by: str, text: str) -> None:
    """A chart that renders nothing must not look like one that is fine."""
    checked = Checked("--policies", by, "-", stdin=text)
    assert (checked.code, checked.out) == (2, [])
    assert checked.err[0].startswith("nothing to judge")


def test_no_policy_is_wrong_use(tmp_path: Path) -> None:
    """Else a wrong path would allow everything."""
    other = write(tmp_path / "a.yaml", ALLOWED)
    checked = Checked("--policies", other, "-", stdin=json.dumps(DENIED))
    assert (checked.code, checked.err) == (2, [f"--policies {other}: there is no AgentPolicy in it"])


def test_policies_that_do_not_compile_are_told_with_every_problem(by: str, tmp_path: Path) -> None:
    """Of all of them, each with its place; nothing is judged."""
    broken, unknown = policy(rule("Denny"), name="broken"), policy(rule(check="no-such"), name="unknown")
    cel = policy(rule(condition="object."), name="cel")
    path = write(tmp_path / "broken.yaml", broken, cel, POLICY, {"kind": "x"}, unknown)
    checked = check(by, DENIED, options=("--policies", path))
    assert (checked.code, checked.out) == (2, [])
    told = [line.partition(" is not allowed")[0] for line in checked.err]
    assert {line.split(":")[0] for line in told} == {path}
    assert [line.split(":", 2)[2] for line in told] == [
        f" policy production: has the name of the one in {by}:1",
        " apiVersion: found nothing; allowed: text",
        ' policy broken: spec.rules[0].action: "Denny"',
        ' policy cel: spec.rules[0].condition: "object."',
        ' policy unknown: spec.rules[0].check: "no-such"',
    ]


HOSTILE: dict[str, str | bytes] = {
    "a bomb of aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(20)),
    "100,000 levels": '{"a":' * 100_000,
    "300 levels": json.dumps(obj()).removesuffix("}") + ', "spec": ' + "[" * 300 + "]" * 300 + "}",
    "binary": bytes(range(256)),
    "a key twice": "apiVersion: v1\nkind: Pod\nkind: ConfigMap\nmetadata: {name: a}\n",
    "half a character": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "\\ud800"}}',
    "a number of 100 digits": json.dumps({**obj(), "data": {"a": 10**100}}),
    "a text of 9 MiB": json.dumps(obj(data={"a": "x" * 9 * 1024 * 1024})),
    "metadata of metadata": '{"apiVersion": "v1", "kind": "Pod", "metadata": "\\u001b[2J"}',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_manifests_end_in_one_line(by: str, text: str | bytes) -> None:
    """Which names the place; never a traceback, never exit code 0."""
    checked = Checked("--policies", by, "-", stdin=text)
    assert (checked.code, checked.out) == (2, [])
    line, total = checked.err
    assert line.startswith("standard input:")
    assert line.isprintable()
    assert len(line) < 300
    assert total.endswith("1 not judged")


def test_names_do_not_act_on_the_terminal(by: str) -> None:
    """Of objects, namespaces, kinds; in both outputs."""
    hostile = obj("Secret", name="a\x1b[2J\nb", namespace="\u202e")
    for options in ((), ("-o", "json")):
        checked = Checked("--policies", by, *options, "-", stdin=json.dumps(hostile))
        assert (checked.code, len(checked.out)) == (1, 1)
        assert checked.out[0].isprintable()


def test_a_document_cannot_say_that_it_is_somebody_else(by: str) -> None:
    """A manifest has no user; a review of a person beside it does not change whose manifests they are."""
    person = {**reviews()[0], "request": {**reviews()[0]["request"], "userInfo": {"username": "jane"}}}
    checked = check(by, person, DENIED)
    assert [document["user"] for document in checked.documents] == ["jane", BOT]
    assert checked.code == 1


def test_the_installed_program_needs_no_colour_and_no_home(by: str) -> None:
    """As in CI: plain text through pipes, names of any language whatever the encoding."""
    text = yaml.safe_dump(obj("Secret", name="日本"), allow_unicode=True).encode()
    command = [str(PROGRAM), "policy", "check", "--policies", by, "-"]
    done = subprocess.run(
        command, input=text, capture_output=True, env={"PYTHONIOENCODING": "latin-1"}, timeout=60, check=False
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (1, False)
    assert done.stdout.startswith(
        b"standard input:1: Hold CREATE secrets shop/\\u65e5\\u672c: production/hold-secrets: "
    )
