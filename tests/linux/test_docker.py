"""An engine that is absent, mute or strange is a reason, and no more than that."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from inspector.linux.docker import DockerView


@contextmanager
def answering(path: Path, *answers: bytes) -> Iterator[str]:
    """Something that listens there: one connection an answer, which it is closed after."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                # Who has read enough closes, and the rest of an answer finds nobody.
                with connection, suppress(BrokenPipeError):
                    connection.recv(65536)
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield str(path)
        thread.join()


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_no_socket_is_no_engine(tmp_path: Path) -> None:
    view = DockerView.open(str(tmp_path / "docker.sock"))

    assert not view.answers
    assert view.trouble == f"no Docker engine here ({tmp_path}/docker.sock is not there)"
    assert view.containers() == {}
    assert view.networks() == []


def test_an_engine_that_is_mute_is_waited_for_no_longer_than_told(tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()

        view = DockerView.open(str(path), timeout=0.05)

    assert view.trouble == f"the Docker engine at {path} does not answer in time"


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\x01garbage\r\n\r\n",
        b"",
        http(b"{not json"),
        http(b'{"a": 1}'),
        http(b"denied", "403 Forbidden"),
        http(b"[]" * (9 << 20)),
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[",
    ],
    ids=["garbage", "nothing", "no JSON", "no list", "denied", "endless", "cut"],
)
def test_a_strange_answer_is_a_reason(tmp_path: Path, answer: bytes) -> None:
    with answering(tmp_path / "docker.sock", http(b"OK"), answer) as path:
        view = DockerView.open(path)
        view._connection.close()  # each answer has a connection of its own

        assert view.containers() == {}
        assert view.trouble
        view.close()


def test_what_is_no_text_or_address_is_left_out(tmp_path: Path) -> None:
    listed = [
        {"Id": 7, "Names": None, "Labels": [], "NetworkSettings": None},
        "no container",
        {"Id": "b" * 64, "Names": ["/x"], "Labels": {"a": 1, "b": "2"}, "NetworkSettings": {
            "Networks": {"n": {"IPAddress": "not one", "GlobalIPv6Address": "FD00::1"}}}},
    ]  # fmt: skip
    answer = http(json.dumps(listed).encode())
    with answering(tmp_path / "docker.sock", http(b"OK"), answer) as path:
        view = DockerView.open(path)
        view._connection.close()

        (found,) = view.containers().items()

        assert found[0] == "fd00::1"
        assert (found[1].name, found[1].labels) == ("x", {"b": "2"})
        view.close()


def test_a_connection_that_the_engine_has_closed_is_made_anew(tmp_path: Path) -> None:
    with answering(tmp_path / "docker.sock", http(b"OK"), http(b"[]")) as path:
        view = DockerView.open(path)

        assert view.containers() == {}
        assert view.answers
        view.close()


def test_the_engine_is_where_docker_host_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with answering(tmp_path / "other.sock", http(b"OK")) as path:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        view = DockerView.open()

    assert view.path == path
    assert view.answers
    view.close()
