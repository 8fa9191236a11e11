"""What reads captures asks nobody: no process of a command makes a socket of the Internet.

Every Python that is started, the workers of a fleet as well, notes what it does with sockets
(`sitecustomize` in front of its path).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "captures" / "upstream-403"
OTHER = ROOT / "captures" / "issue-1527"
LOOKS = """
import os, sys
FAMILIES = {2: "AF_INET", 10: "AF_INET6"}
def look(event, arguments):
    told = None
    if event == "socket.__new__" and arguments[1] in FAMILIES:
        told = FAMILIES[arguments[1]]
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
                   "urllib.Request", "http.client.connect", "ftplib.connect", "smtplib.connect"):
        told = event
    if told:
        with open(os.environ["NOTED"], "a") as noted:
            noted.write(told + "\\n")
with open(os.environ["NOTED"], "a") as noted:
    noted.write("started\\n")
sys.addaudithook(look)
"""
COMMANDS = {
    "analyze": ("analyze", FOLDER),
    "analyze -o": ("analyze", FOLDER, "-o", "OUT"),
    "check": ("check", FOLDER),
    "compare": ("compare", FOLDER, OTHER),
    "explain": ("explain", "squid-denied"),
    "fleet": ("fleet", FOLDER, OTHER, "-o", "OUT"),
    "redact": ("redact", FOLDER / "capture.pcapng", "OUT"),
    "schema": ("schema",),
    "show": ("show", FOLDER, "e1"),
    "with keys": ("analyze", ROOT / "captures" / "tls-alert", "--format", "json"),
    "version": ("--version", "-v"),
}


def noted(tmp_path: Path, *command: str | Path) -> list[str]:
    """What the processes of a command did with sockets; "started" for each that was looked at."""
    (tmp_path / "sitecustomize.py").write_text(LOOKS)
    path = f"{tmp_path}{os.pathsep}{ROOT}"
    done = subprocess.run(
        [sys.executable, *(str(each) for each in command)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path, "NOTED": str(tmp_path / "noted")},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 3), done.stderr
    return (tmp_path / "noted").read_text().split()


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_that_reads_makes_a_socket_of_the_internet(name: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = [out if each == "OUT" else each for each in COMMANDS[name]]
    told = noted(tmp_path, "-m", "inspector", *arguments)
    assert set(told) == {"started"}
    if name == "fleet":
        assert len(told) > 1, "its workers were not looked at"


def test_one_that_does_is_noticed(tmp_path: Path) -> None:
    code = "import socket; socket.socket(); socket.getaddrinfo('127.0.0.1', 1)"
    assert noted(tmp_path, "-c", code) == ["started", "AF_INET", "socket.getaddrinfo"]


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a network namespace, which needs root")
def test_the_report_is_the_same_without_any_interface(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"made up, and long enough for a key")
    command = [sys.executable, "-m", "inspector", "analyze", "--format", "json"]
    command += ["--fingerprint-key", str(key), str(FOLDER)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    here, alone = (
        subprocess.run([*before, *command], env=environment, capture_output=True, text=True)
        for before in ([], ["unshare", "--net"])
    )
    if "unshare" in alone.stderr:
        pytest.skip(f"no network namespace here: {alone.stderr.strip()}")
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout == here.stdout
