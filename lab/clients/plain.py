"""A plain HTTP/1.1 client that sends exactly what it is told to, in that order.

Run as `python plain.py '{"url": …, "headers": [[name, value], …], …}'`; prints
the rows described in `lab.clients`.  It plays the agent's programs whose
wire habits matter more than their code: Claude Code's retries, a program that
goes past the API proxy, a WebSocket client, one that leaves in mid-stream.

Keys of the argument besides `program`, `method`, `url`, `headers`, `body`:

* `times` requests, `pause` seconds apart; `keep_alive`: on one connection;
  `stop_at`: the status at which a retrying client stops;
* `proxy`: "ip:port" of Squid, with `via` "absolute" or "connect";
* `ca`: trust anchor for https, null for none; `tls_max`: "1.2"; `resume`: offer the
  session of the connection before;
* `leave_after`: close the connection once so many bytes of the body were read;
* `websocket`: after 101 send one frame and a close frame; `listens`: the frame alone;
* `timeout`: seconds until it gives up connecting or reading.
"""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import struct
import sys
import time
from typing import Any
from urllib.parse import urlsplit

CREDENTIAL_HEADERS = {"authorization", "proxy-authorization", "x-api-key", "api-key"}
CREDENTIAL_HEADERS |= {"x-goog-api-key", "cookie"}
READ = 4096


class Refused(Exception):
    """The forward proxy answered CONNECT with another status than 200."""


def ip_port(address: tuple[Any, ...]) -> str:
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"{host}:{address[1]}"


class Caller:
    """Makes the requests of one specification."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.url = urlsplit(spec["url"])
        self.via: str = spec.get("via", "direct")
        self.timeout: float = spec.get("timeout", 10.0)
        default = 443 if self.url.scheme == "https" else 80
        self.host, self.port = str(self.url.hostname), self.url.port or default
        self.session: ssl.SSLSession | None = None
        self.context: ssl.SSLContext | None = None
        self.tls: ssl.SSLSocket | None = None
        if self.url.scheme == "https":
            self.context = self._context()

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.spec["ca"])
        if self.spec.get("tls_max") == "1.2":
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        return context

    def open(self, row: dict[str, Any]) -> http.client.HTTPConnection:
        """Connect, through a tunnel and TLS where asked; notes the ends in `row`."""
        if self.via == "direct":
            target = (self.host, self.port)
        else:
            host, _, port = str(self.spec["proxy"]).rpartition(":")
            target = (host.strip("[]"), int(port))
        row["server"] = ip_port(target)
        sock = socket.create_connection(target, self.timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        row["client"] = ip_port(sock.getsockname())
        row["server"] = ip_port(sock.getpeername())
        try:
            if self.via == "connect":
                self._connect(sock, row)
            if self.context is not None:
                session = self.session if self.spec.get("resume") else None
                sock = self.tls = self.context.wrap_socket(
                    sock, server_hostname=self.host, session=session
                )
                row["tls"] = {"version": self.tls.version(), "resumed": self.tls.session_reused}
        except BaseException:
            sock.close()
            raise
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        connection.sock = sock
        connection.auto_open = 0  # what is opened is opened above, and logged
        return connection

    def _connect(self, sock: socket.socket, row: dict[str, Any]) -> None:
        authority = f"{self.host}:{self.port}"
        row["authority"] = authority
        lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
        lines += [f"{name}: {value}" for name, value in self.spec.get("connect_headers", ())]
        sock.sendall("\r\n".join([*lines, "", ""]).encode())
        reply = http.client.HTTPResponse(sock, method="CONNECT")
        reply.begin()
        row["connect_status"] = reply.status
        if reply.status != 200:
            reply.length = int(reply.headers.get("content-length", 0))
            reply.read()
            raise Refused(f"CONNECT answered {reply.status} {reply.reason}")

    def ask(self, connection: http.client.HTTPConnection, row: dict[str, Any]) -> None:
        """One request and its response on an open connection."""
        body = self.spec.get("body", "").encode()
        connection.putrequest(
            row["method"], row["target"], skip_host=True, skip_accept_encoding=True
        )
        for name, value in self.headers(len(body)):
            connection.putheader(name, value)
        connection.endheaders(body or None)
        response = connection.getresponse()
        row["status"] = response.status
        if response.status == 101:
            self._talk(connection, row)
            return
        leave_after = self.spec.get("leave_after")
        while chunk := response.read1(READ):
            row["body_bytes"] += len(chunk)
            if leave_after is not None and row["body_bytes"] >= leave_after:
                row["error"] = "left in mid-stream"
                connection.close()
                return
        if self.spec.get("resume") and self.tls is not None:
            self.session = self.tls.session
        # read1 answers b"" where a promised length was not reached.
        row["response_finished"] = not response.length
        response.close()
        if response.length:
            row["error"] = f"{response.length} bytes of the response are missing"

    def _talk(self, connection: http.client.HTTPConnection, row: dict[str, Any]) -> None:
        """One masked text frame and a close frame (RFC 6455 5.2), then the peer's until its end."""
        mask = b"\x00\x00\x00\x00"
        text = b'{"type":"response.create"}'
        connection.sock.sendall(struct.pack("!BB", 0x81, 0x80 | len(text)) + mask + text)
        while self.spec.get("listens") and connection.sock.recv(READ):
            pass  # until the peer's side is over, whatever it said
        if self.spec.get("listens"):
            return
        connection.sock.recv(READ)
        connection.sock.sendall(struct.pack("!BB", 0x88, 0x82) + mask + struct.pack("!H", 1000))
        while connection.sock.recv(READ):
            pass
        row["response_finished"] = True

    def headers(self, length: int) -> list[tuple[str, str]]:
        named: list[tuple[str, str]] = [(name, value) for name, value in self.spec["headers"]]
        if length and not any(name.lower() == "content-length" for name, _ in named):
            named.append(("Content-Length", str(length)))
        return named

    def row(self, number: int) -> dict[str, Any]:
        path = self.url.path + (f"?{self.url.query}" if self.url.query else "")
        named = self.headers(len(self.spec.get("body", "").encode()))
        return {
            "event": "client_call",
            "program": self.spec.get("program", "plain"),
            "n": number,
            "client": None,
            "server": None,
            "via": self.via,
            "method": self.spec.get("method", "POST"),
            "target": self.spec["url"] if self.via == "absolute" else path,
            "header_names": [name for name, _ in named],
            "user_agent": next((v for n, v in named if n.lower() == "user-agent"), None),
            "auth": [
                {"name": name, "value": value}
                for name, value in named
                if name.lower() in CREDENTIAL_HEADERS
            ],
            "status": None,
            "body_bytes": 0,
            "response_finished": False,
            "error": None,
            "started_at": time.time(),
        }

    def run(self) -> None:
        connection: http.client.HTTPConnection | None = None
        ends: dict[str, Any] = {}
        for number in range(1, self.spec.get("times", 1) + 1):
            if number > 1:
                time.sleep(self.spec.get("pause", 0.0))
            row = self.row(number)
            try:
                if connection is None:
                    connection = self.open(row)
                    ends = {name: row[name] for name in ("client", "server")}
                row |= ends
                self.ask(connection, row)
            except (OSError, http.client.HTTPException, Refused) as error:
                row["error"] = f"{type(error).__name__}: {error}"
            print(json.dumps(row), flush=True)
            if connection is not None and (
                connection.sock is None or row["error"] or not self.spec.get("keep_alive")
            ):
                connection.close()
                connection = None
            if row["status"] is not None and row["status"] == self.spec.get("stop_at"):
                break
        if connection is not None:
            connection.close()


if __name__ == "__main__":
    Caller(json.loads(sys.argv[1])).run()
