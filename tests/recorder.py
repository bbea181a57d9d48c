"""The auditsink as a real process with a folder of its own, over real TLS.

with AuditSink(folder) as sink, ControlPlane(audit_webhook_url=sink.url, audit_webhook_ca_pem=sink.ca_pem,
                                             audit_webhook_token=sink.token) as cluster:
    ...
    sink.queries().sessions(sink.cluster)
"""

from __future__ import annotations

import http.client
import os
import signal
import socket
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from auditsink.store.database import open_reader, sqlite_url
from auditsink.store.queries import Queries
from auditsink.tokens import Tokens
from tests.controlplane.certificates import Authority
from tests.controlplane.processes import Server
from tests.controlplane.waiting import wait_until


class AuditSink:
    """One auditsink; entering the context starts it, `kill` and `start` may follow in any order."""

    def __init__(self, folder: Path, *, cluster: str = "test", settings: Mapping[str, str] | None = None) -> None:
        """Prepare it. folder: stays, with database and logs. settings: `ESCROW_SINK_*` without the prefix."""
        self.folder = folder
        self.data = folder / "data"
        self.cluster = cluster
        self.port = _free_port()
        self._authority = Authority("kubescrow-test-sink")
        self.ca_pem = self._authority.pair.certificate_pem
        self._settings = dict(settings or {})
        self._server: Server | None = None
        self._starts = 0
        self.data.mkdir(mode=0o700, exist_ok=True)
        serving = self._authority.serving("auditsink", names=["localhost"], addresses=["127.0.0.1"])
        self._files = serving.write(folder, "auditsink")
        self.token = Tokens(self.data / "tokens.json").new_token(cluster)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """Where an API server sends its batches."""
        return f"{self.server}/audit/v1/clusters/{self.cluster}"

    @property
    def server(self) -> str:
        """Where it is asked."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def database(self) -> str:
        """URL of its database."""
        return sqlite_url(self.data / "auditsink.db")

    @property
    def pid(self) -> int:
        """Process id of the running sink."""
        assert self._server is not None, "the auditsink does not run"
        return self._server.pid

    def start(self) -> None:
        """Start it and wait until it is ready."""
        certificate, key = self._files
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "ESCROW_SINK_DATA": str(self.data),
            "ESCROW_SINK_HOST": "127.0.0.1",
            "ESCROW_SINK_PORT": str(self.port),
            "ESCROW_SINK_TLS_CERTIFICATE": str(certificate),
            "ESCROW_SINK_TLS_KEY": str(key),
            **{f"ESCROW_SINK_{name}": value for name, value in self._settings.items()},
        }
        self._starts += 1
        log = self.folder / f"auditsink-{self._starts}.log"
        self._server = Server("auditsink", [sys.executable, "-m", "auditsink"], log=log, environment=environment)
        wait_until(self._is_ready, what=f"the auditsink is ready, see {log}", timeout_s=60)

    def restart(self, **settings: str) -> None:
        """Kill it, and start it with more settings, `ESCROW_SINK_*` without the prefix."""
        self.kill()
        self._settings |= settings
        self.start()

    def kill(self) -> None:
        """End it as a crash would."""
        if self._server is not None:
            self._server.stop()
            self._server = None

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    @property
    def logs(self) -> str:
        """Everything that it has logged since its first start."""
        return "".join(log.read_text(errors="replace") for log in sorted(self.folder.glob("auditsink-*.log")))

    def queries(self) -> Queries:
        """Return its database, open to read."""
        return Queries(open_reader(self.database))

    def connect(self, timeout_s: float = 60) -> http.client.HTTPSConnection:
        """Return a new connection to it."""
        context = ssl.create_default_context(cadata=self.ca_pem)
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=timeout_s)

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        """Send one request; return status, body and headers of the answer."""
        connection = self.connect()
        try:
            connection.request(method, path, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def send(self, body: bytes, *, token: str | None = None) -> tuple[int, str]:
        """Send one body as an API server does; return status and text of the answer."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        status, text, _ = self.request("POST", f"/audit/v1/clusters/{self.cluster}?timeout=30s", body, headers)
        return status, text.decode()

    def _is_ready(self) -> bool:
        assert self._server is not None
        self._server.check()
        try:
            return self.request("GET", "/readyz")[0] == 200
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
