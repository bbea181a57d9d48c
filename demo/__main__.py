"""`make demo`: an agent is allowed, denied, held until a person approves. Every output is real.

Starts a control plane and the webhook, and ends both. Exit code 0 only if every step showed what it must.
"""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path

from demo.teller import NotAsTold, Teller
from tests.controlplane.controlplane import ControlPlane
from tests.controlplane.kubectl import Kubectl
from tests.installation import Installation

HERE = Path(__file__).resolve().parent


def main() -> int:
    """Tell the story; return the exit code."""
    keep = "--keep" in sys.argv[1:]
    teller = Teller()
    try:
        teller.step("A control plane: etcd, kube-apiserver, kube-controller-manager")
        with ControlPlane() as cluster:
            teller.run("admin", cluster.admin, "version", shows="Server Version: v1")
            teller.step("Kubescrow is installed: definitions, roles, and its webhook")
            with Installation(cluster):
                agent, alice = _people(cluster)
                _tell(teller, cluster.admin, agent, alice)
                print(f"\n{_seen()}")
                if keep:
                    _stay(cluster.admin, agent, alice)
    except (NotAsTold, AssertionError) as fault:  # the second: a condition that was awaited did not come
        print(f"\nThe demo did not show what it must.\n{fault}", file=sys.stderr)
        return 1
    return 0


def _people(cluster: ControlPlane) -> tuple[Kubectl, Kubectl]:
    """The agent with a one-hour token that is bound to its ServiceAccount, and Alice, a person."""
    agent = cluster.service_account("agents", "bot", expiration_s=3600)
    cluster.namespace("prod")
    cluster.admin.ok("apply", "-f", str(HERE / "access.yaml"))
    return agent, cluster.user("alice@example.com")


def _tell(teller: Teller, admin: Kubectl, agent: Kubectl, alice: Kubectl) -> None:
    teller.run("admin", admin, "get", "crd", shows="approvals.kubescrow.dev")
    teller.step("A policy: agents may not run privileged containers, and a person decides on namespaces")
    print((HERE / "policy.yaml").read_text().replace("\n", "\n   ").join(("   ", "")).rstrip())
    teller.run("admin", admin, "apply", "-f", _here("policy.yaml"), shows="created")
    teller.run("admin", admin, "wait", "--for=condition=Enforced", "agentpolicy/production", shows="condition met")

    teller.step("The agent, a plain ServiceAccount with a plain kubectl, creates a Deployment: allowed")
    teller.run("agent", agent, "auth", "whoami", shows="system:serviceaccount:agents:bot")
    teller.run("agent", agent, "apply", "-n", "prod", "-f", _here("web.yaml"), shows="deployment.apps/web created")

    teller.step("It creates a privileged Pod: denied, with the reason and the remedy")
    teller.run(
        "agent", agent, "apply", "-n", "prod", "-f", _here("privileged.yaml"), exit_code=1,
        shows=r'privileged-containers: container "shell" .*privileged',
    )  # fmt: skip

    teller.step("It deletes namespace prod: held. The unmodified kubectl waits")
    deletion = teller.start("agent", agent, "delete", "namespace", "prod")
    shown = teller.eventually("alice", alice, "get", "approvals", shows=r"appr-[0-9a-f]{16} +Pending")
    name = _name(shown)
    teller.run("alice", alice, "get", "approval", name, "-o", "jsonpath={.spec.change}", shows="prod")
    if not deletion.running:
        raise NotAsTold(f"the held command did not wait:\n{deletion.wait(1)}")

    teller.step("Alice approves this one write with kubectl, and the waiting command goes on")
    teller.run(
        "alice", alice, "annotate", "approval", name,
        "kubescrow.dev/decision=approved", "kubescrow.dev/reason=the move to prod-2 is done",
        shows="annotated",
    )  # fmt: skip
    teller.finish("agent", deletion, shows='namespace "prod" deleted')

    teller.step("The approval is used up, and tells who decided")
    teller.eventually("alice", alice, "get", "approvals", shows=rf"{name} +Used .*alice@example.com")
    teller.eventually("admin", admin, "get", "events", "--field-selector", f"involvedObject.name={name}", shows="Used")


def _name(listing: str) -> str:
    found = re.search(r"appr-[0-9a-f]{16}(-\d+)?", listing)
    assert found is not None, listing
    return found[0]


def _here(name: str) -> str:
    path = HERE / name
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _seen() -> str:
    return "Seen: allowed, denied with a reason, held, approved by a person, used once. Nothing was simulated."


def _stay(admin: Kubectl, agent: Kubectl, alice: Kubectl) -> None:
    """Keep everything up until Ctrl-C."""
    print(f"""
It stays up until Ctrl-C. In another terminal (kubectl of this demo: {admin.program}):

   export ADMIN={admin.kubeconfig}
   export AGENT={agent.kubeconfig}
   export ALICE={alice.kubeconfig}

Three things to try:
   kubectl --kubeconfig $AGENT delete namespace agents          # held; look at it as ALICE: kubectl get approvals
   kubectl --kubeconfig $AGENT annotate approval NAME kubescrow.dev/decision=approved    # an agent cannot approve
   kubectl --kubeconfig $ALICE annotate approval NAME kubescrow.dev/decision=denied kubescrow.dev/reason="not today"
""", flush=True)  # fmt: skip
    try:
        signal.pause()
    except KeyboardInterrupt:
        print()


if __name__ == "__main__":
    sys.exit(main())
