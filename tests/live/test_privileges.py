"""What is given up is gone: read from the kernel, and tried."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from inspector.live.privileges import confine

_GIVE_UP = """
import socket, sys, threading
from inspector.live.command import User
from inspector.live.privileges import give_up
if "thread" in sys.argv:
    stop = threading.Event()
    threading.Thread(target=stop.wait, daemon=True).start()
print(give_up(None if "stay" in sys.argv else User(65534, 65534)))
print(open("/proc/self/status").read())
for name, attempt in (
    ("a packet socket", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)),
    ("a low port", lambda: socket.create_server(("127.0.0.1", 1))),
):
    try:
        attempt()
        print(name, "can be had")
    except PermissionError:
        print(name, "is refused")
"""


def give_up(*how: str) -> tuple[str, str]:
    if os.geteuid() != 0:
        pytest.skip("there is nothing to give up without root")
    done = subprocess.run([sys.executable, "-c", _GIVE_UP, *how], capture_output=True, text=True)
    return done.stdout, done.stderr


def status(text: str) -> dict[str, list[str]]:
    return {name: rest.split() for name, _, rest in (x.partition(":") for x in text.splitlines())}


@pytest.mark.parametrize("how", ["user", "stay"])
def test_no_capability_is_left_and_none_can_be_had(how: str) -> None:
    said, errors = give_up(how)
    now = status(said)

    assert not errors
    for held in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(now[held][0], 16) == 0, held
    assert now["NoNewPrivs"] == ["1"]
    assert "a packet socket is refused" in said
    assert "a low port is refused" in said


def test_ids_and_groups_are_the_users() -> None:
    said, _ = give_up("user")
    now = status(said)

    assert now["Uid"] == now["Gid"] == ["65534"] * 4
    assert set(now["Groups"]) <= {"65534"}
    assert "packets are parsed as uid 65534 without a capability" in said


def test_without_seccomp_the_capture_goes_on_and_says_what_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inspector.linux.seccomp.install", lambda: "the kernel takes none")
    rung = confine()

    assert (rung.name, rung.state) == ("seccomp", "lost")
    assert rung.detail.startswith("the kernel takes none; whoever took the parser over could")
    assert rung.remedy


def test_a_thread_that_keeps_a_capability_is_found() -> None:
    # A user's ids go for all threads; a root that stays has them taken from its own thread alone.
    _, errors = give_up("stay", "thread")

    assert "CannotCapture: Privilege could not be given up: Cap" in errors
