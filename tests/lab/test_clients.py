"""The client programs tell in their rows what they really did."""

from __future__ import annotations

import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab import clients
from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.clients.curl import curl_argv, curl_row

PLAIN = Path(clients.__file__).with_name("plain.py")
WHOLE = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}"
CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
CHUNKED_CUT = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"
AUTH = ("x-api-key", ANTHROPIC_PLACEHOLDER)


class Server(socketserver.ThreadingTCPServer):
    """Answers every request head with the same bytes; then closes, unless it is whole."""

    daemon_threads = True
    answer = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        assert isinstance(self.server, Server)
        while line := self.rfile.readline():
            if line == b"\r\n":
                self.wfile.write(self.server.answer)
                if self.server.answer != WHOLE:
                    return


@contextmanager
def serving(answer: bytes) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        server.answer = answer
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def plain(url: str, headers: Sequence[tuple[str, str]] = (AUTH,), **spec: Any) -> list[Any]:
    text = json.dumps({"url": url, "headers": headers, "method": "GET", **spec})
    done = subprocess.run(
        [sys.executable, str(PLAIN), text], check=True, capture_output=True, text=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_headers_go_out_as_given_and_in_order() -> None:
    with serving(WHOLE) as server:
        (row,) = plain(f"{server.url}/v1/messages?beta=true", [("User-Agent", "x/1"), AUTH])
    assert row["header_names"] == ["User-Agent", "x-api-key"]
    assert row["auth"] == [{"name": "x-api-key", "value": ANTHROPIC_PLACEHOLDER}]
    assert (row["method"], row["target"]) == ("GET", "/v1/messages?beta=true")
    assert (row["status"], row["response_finished"], row["error"]) == (401, True, None)


def test_kept_alive_requests_share_their_connection_and_others_do_not() -> None:
    with serving(WHOLE) as server:
        kept = {row["client"] for row in plain(server.url, times=3, keep_alive=True)}
        fresh = {row["client"] for row in plain(server.url, times=3)}
    assert (len(kept), len(fresh)) == (1, 3)


def test_a_cut_answer_is_told_whatever_its_framing() -> None:
    for answer in (CUT, CHUNKED_CUT):
        with serving(answer) as server:
            (row,) = plain(server.url)
        assert (row["status"], row["response_finished"]) == (200, False)
        assert row["error"]


def test_a_bare_fin_has_no_status_and_nobody_listening_no_address() -> None:
    with serving(b"") as server:
        (row,) = plain(server.url)
        url = server.url
    assert row["client"]
    assert (row["status"], row["response_finished"]) == (None, False)

    (row,) = plain(url)
    assert row["client"] is None
    assert "refused" in row["error"]


def test_a_retrying_client_stops_at_the_status_it_waits_for() -> None:
    with serving(WHOLE) as server:
        assert len(plain(server.url, times=5, stop_at=401)) == 1


def test_a_client_that_leaves_has_not_read_the_rest() -> None:
    with serving(CUT) as server:
        (row,) = plain(server.url, leave_after=2)
    assert (row["error"], row["response_finished"]) == ("left in mid-stream", False)


VERBOSE = """\
* Connected to 172.30.0.10 (172.30.0.10) port 3128 (#0)
> CONNECT api.anthropic.com:443 HTTP/1.1
> Host: api.anthropic.com:443
>
< HTTP/1.1 200 Connection established
> POST /v1/messages HTTP/1.1
> Host: api.anthropic.com
> User-Agent: curl/7.88.1
> x-api-key: sk-ant-placeholder-key-for-credential-isolation
>
< HTTP/1.1 401 Unauthorized
"""
TOLD = {"local_ip": "172.30.0.20", "local_port": 40001, "remote_ip": "172.30.0.10"}
TOLD |= {"remote_port": 3128, "response_code": 401, "http_connect": 200, "size_download": 2}
TOLD |= {"exitcode": 0, "errormsg": None, "time_total": 0.1}


def row_of(told: dict[str, Any], verbose: str) -> dict[str, Any]:
    url = "https://api.anthropic.com/v1/messages"
    argv = curl_argv(url, [AUTH], "{}", [])
    done = subprocess.CompletedProcess(argv, 0, json.dumps(told) + "\n", verbose)
    return curl_row("curl", url, [AUTH], "{}", argv, done)


def test_curls_report_becomes_a_row_with_its_tunnel() -> None:
    row = row_of(TOLD, VERBOSE)
    assert (row["via"], row["connect_status"]) == ("connect", 200)
    assert row["authority"] == "api.anthropic.com:443"
    assert row["header_names"] == ["Host", "User-Agent", "x-api-key"]
    assert row["user_agent"] == "curl/7.88.1"
    assert (row["client"], row["status"]) == ("172.30.0.20:40001", 401)


def test_curl_that_reached_nobody_says_what_it_would_have_sent() -> None:
    failed = TOLD | {"local_ip": "", "local_port": 0, "remote_ip": "", "remote_port": 0}
    row = row_of(failed | {"response_code": 0, "exitcode": 7, "errormsg": "refused"}, "")
    assert (row["client"], row["status"], row["response_finished"]) == (None, None, False)
    assert (row["method"], row["target"]) == ("POST", "/v1/messages")
