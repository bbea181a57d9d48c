"""The authorization configuration of kube-apiserver: Node and RBAC, with or without a webhook before them.

kube-apiserver watches the file and reloads it within milliseconds; it tells the hash of what it loaded by a
metric, and reads the webhook's kubeconfig only with a changed configuration, so each gets a new name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import yaml

from tests.controlplane import configuration
from tests.controlplane.certificates import write_private
from tests.controlplane.kubectl import Kubectl
from tests.controlplane.metrics import samples
from tests.controlplane.waiting import wait_until

LOADED = "apiserver_authorization_config_controller_last_config_info"
RELOADS = "apiserver_authorization_config_controller_automatic_reloads_total"


class AuthorizationRefusedError(RuntimeError):
    """kube-apiserver does not take the configuration, for example because a match condition does not compile."""


class AuthorizationFile:
    """The file that `--authorization-config` names, without a webhook at first."""

    def __init__(self, path: Path, admin: Kubectl) -> None:
        self._path = path
        self._admin = admin
        self._number = 0
        self._write(configuration.authorization())

    def use_webhook(self, url: str, ca_pem: str, match_conditions: Sequence[str]) -> None:
        """Put a webhook first."""
        self._number += 1
        kubeconfig = self._path.with_name(f"authorizer-{self._number}.kubeconfig")
        write_private(kubeconfig, yaml.safe_dump(configuration.kubeconfig(url, ca_pem=ca_pem)))
        webhook = configuration.webhook_authorizer(kubeconfig, match_conditions=match_conditions)
        self._load(configuration.authorization(webhook))

    def use_none(self) -> None:
        """Leave Node and RBAC alone."""
        self._load(configuration.authorization())

    def _load(self, content: dict[str, object]) -> None:
        """Write `content`, and wait until kube-apiserver uses it."""
        refused_before = self._refused()
        self._write(content)
        wanted = f"sha256:{hashlib.sha256(self._path.read_bytes()).hexdigest()}"

        def loaded() -> bool:
            if self._refused() > refused_before:
                raise AuthorizationRefusedError(self._reason())
            return any(labels["hash"] == wanted for labels, _ in samples(self._admin, LOADED))

        wait_until(loaded, what="kube-apiserver has loaded the authorization configuration", poll_s=0.01)

    def _write(self, content: dict[str, object]) -> None:
        new = self._path.with_suffix(".new")
        new.write_text(yaml.safe_dump(content))
        new.rename(self._path)  # so that no half of it is ever read

    def _refused(self) -> float:
        """Return how many configurations kube-apiserver has refused since its start."""
        return sum(value for labels, value in samples(self._admin, RELOADS) if labels["status"] == "failure")

    def _reason(self) -> str:
        log = self._path.with_name("kube-apiserver.log").read_text(errors="replace")
        return log.rpartition('"reloading authorization config"')[2].strip()
