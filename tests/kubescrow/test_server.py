"""Where a token may travel, and what is told when a server does not answer as it must.

That a real auditsink answers what its database holds is in `tests/integration/test_asking_the_sink.py`. The servers
here misbehave on purpose, which a real one does not do on demand.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from socket import create_server

import pytest

from kubescrow.server import Server, ServerFailed

TOKEN = "very-secret-token"


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[str, list[str]]]:
    """A server that sends these bytes to everybody; gives its URL, and the first lines of what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            head = iter(self.rfile.readline, b"\r\n")
            asked.append(next(head, b"").decode())
            asked.extend(line.decode() for line in head if line.startswith(b"Authorization") or not line)
            self.wfile.write(answer)
            self.close_connection = True

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def json_answer(body: str, status: str = "200 OK", *headers: str) -> bytes:
    """An HTTP answer with a body of JSON."""
    head = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", body]).encode()


def failure(url: str, token: str = TOKEN) -> str:
    """Ask a server that does not answer well; return what is told."""
    with pytest.raises(ServerFailed) as failed:
        Server(url, token=token, ca=None).clusters()
    assert TOKEN not in str(failed.value)
    assert "\n" not in str(failed.value)
    return str(failed.value)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://sink.example", id="plain HTTP over a network"),
        pytest.param("http://127.0.0.1.sink.example", id="a name that begins like this machine"),
        pytest.param("http://localhost.sink.example", id="another one"),
        pytest.param("http://localhost@sink.example", id="this machine as a user"),
        pytest.param("https://user:very-secret-token@sink.example", id="a user and a password"),
        pytest.param("https://", id="no host"),
        pytest.param("https://sink.example:port", id="a port that is no number"),
        pytest.param("https://sink.example:0", id="a port that is none"),
        pytest.param("https://[::1", id="half an address"),
        pytest.param("https://sink.example/?a=b", id="a query"),
        pytest.param("https://sink example", id="a space"),
        pytest.param("https://sink\x1b.example", id="a control character"),
        pytest.param("ftp://sink.example", id="another scheme"),
        pytest.param("sink.example:8444", id="no scheme"),
        pytest.param("file:///etc/passwd", id="a file"),
    ],
)
def test_a_url_that_is_not_allowed_is_refused_before_anything_is_sent(url: str) -> None:
    """With what is allowed; a password in it is not repeated."""
    with pytest.raises(
        ServerFailed, match=r"allowed: https://HOST\[:PORT\]\[/PATH\], or http:// on this machine"
    ) as no:
        Server(url, token=TOKEN, ca=None)
    assert TOKEN not in str(no.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://a",
        "https://a:8444/",
        "https://a/b/c/",
        "https://[::1]:1",
        "http://localhost:1",
        "http://[::1]",
        "HTTPS://a",
    ],
)
def test_a_url_that_is_allowed(url: str) -> None:
    """With or without port, path and last slash."""
    Server(url, token=TOKEN, ca=None)


def test_a_ca_that_is_none_is_told(tmp_path: Path) -> None:
    """A missing file, an empty one, another one."""
    (tmp_path / "empty").touch()
    for path in (tmp_path / "missing", tmp_path / "empty", Path(__file__), tmp_path):
        with pytest.raises(ServerFailed, match=f"--ca {path}: not a readable CA certificate"):
            Server("https://a", token="", ca=path)


ANSWERS: dict[str, tuple[bytes, str]] = {
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n", "no answer: it does not speak HTTP"),
    "nothing": (b"", "no answer: "),
    "half a body": (b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"items":', "no answer: it does not speak HTTP"),
    "no JSON": (json_answer("<html>"), "this does not answer like an auditsink"),
    "a list": (json_answer("[]"), "this does not answer like an auditsink"),
    "other JSON": (json_answer('{"kind":"APIVersions"}'), "this does not answer like an auditsink"),
    "deep JSON": (json_answer("[" * 5000 + "]" * 5000), "this does not answer like an auditsink"),
    "an error in words": (json_answer('{"error":"may not"}', "403 Forbidden"), ": 403 may not"),
    "an error in other words": (json_answer('{"detail":"x"}', "500 Broken"), ": 500 Broken"),
    "no such path": (json_answer("{}", "404 Not Found"), ": 404 Not Found"),
    "who are you": (json_answer('{"error":"a token"}', "401 Unauthorized"), "see --token and KUBESCROW_TOKEN"),
}  # fmt: skip


@pytest.mark.parametrize(("answer", "told"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_that_is_none_is_told_in_one_line(answer: bytes, told: str) -> None:
    """With the address that was asked."""
    with answering(answer) as (url, _):
        said = failure(url)
    assert said.startswith(f"{url}/api/v1/clusters: ")
    assert told in said


def test_a_token_does_not_follow_a_redirect() -> None:
    """It is for the server that was named."""
    with answering(json_answer('{"items":["stolen"]}')) as (other, asked):
        redirect = json_answer("{}", "302 Found", f"Location: {other}/api/v1/clusters")
        with answering(redirect) as (url, _):
            assert ": 302 Found" in failure(url)
    assert asked == []


def test_a_token_in_plain_text_does_not_pass_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes to this machine stays on it."""
    with answering(json_answer('{"items":["a"]}')) as (url, asked), answering(b"") as (proxy, seen_by_proxy):
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.delenv("no_proxy", raising=False)
        assert Server(url, token=TOKEN, ca=None).clusters() == ["a"]
    assert asked == ["GET /api/v1/clusters? HTTP/1.1\r\n", f"Authorization: Bearer {TOKEN}\r\n"]
    assert seen_by_proxy == []


@pytest.mark.parametrize("token", [f"{TOKEN}\n", f"{TOKEN}\r\nX: y", f"{TOKEN}é東"])
def test_a_token_that_is_none_is_told_without_it(token: str) -> None:
    """A newline at the end of a file happens."""
    with answering(json_answer("{}")) as (url, _):
        assert "the token has characters that no token has" in failure(url, token)


def test_nobody_who_listens_is_told() -> None:
    """The address is in the line."""
    with closing(create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
    assert failure(f"http://127.0.0.1:{port}").endswith(
        f"127.0.0.1:{port}/api/v1/clusters: no answer: connection refused"
    )


def test_plain_http_behind_https_is_told() -> None:
    """TLS was asked for and is not spoken."""
    with answering(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (url, _):
        assert "it does not speak TLS" in failure(url.replace("http://", "https://"))


def test_a_field_that_a_newer_server_adds_harms_nothing() -> None:
    """Older programs go on reading."""
    session = (
        '{"cluster":"c","session":"s","username":"u","kind":"user","key":"u","pod":"","first_us":1,"last_us":2,'
        '"events":1,"by_verdict":{"":1},"by_code":{"200":1},"mood":"good"}'
    )
    with answering(json_answer(session)) as (url, _):
        found = Server(url, token="", ca=None).session("c", "s")
    assert found is not None
    assert (found.username, found.by_code) == ("u", {200: 1})
