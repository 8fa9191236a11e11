"""TLS handshakes between two ends of one program, in memory: OpenSSL runs, no packet is sent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import trustme

from lab.network import Host

#: For each line that it is given one handshake; says the client's random as it stands on the wire.
#: For the line "connect" it tries to connect instead.
_PROGRAM: Final = """
import socket, ssl, sys
near, far = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
near.check_hostname, near.verify_mode = False, ssl.CERT_NONE
near.maximum_version = getattr(ssl.TLSVersion, sys.argv[2])
far.load_cert_chain(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    if line == "connect\\n":
        print(socket.socket().connect_ex(("127.0.0.1", 9)), flush=True)
        continue
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [near.wrap_bio(back, there), far.wrap_bio(there, back, server_side=True)]
    hello, done = b"", False
    while not done:
        done = True
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                done = False
            if not hello:
                hello = there.read()
                there.write(hello)
    print(hello[11:43].hex(), flush=True)
"""


def certificate(directory: Path) -> Path:
    """A key and a certificate in one file."""
    path = directory / "made-up.pem"
    trustme.CA().issue_cert("lab.test").private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


@contextmanager
def running(
    host: Host, pem: Path, version: str = "TLSv1_3", *, library: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A program that shakes hands with itself on a host; `library`: where its libssl is."""
    with subprocess.Popen(
        host.argv([sys.executable, "-c", _PROGRAM, pem, version]),
        env={} if library is None else {"LD_LIBRARY_PATH": str(library)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout
        assert program.stdout.readline() == "ready\n"
        yield program
        program.kill()


def ask(program: subprocess.Popen[str], line: str) -> str:
    """Give it a line; its answer."""
    assert program.stdin
    assert program.stdout
    program.stdin.write(f"{line}\n")
    program.stdin.flush()
    return program.stdout.readline().strip()


def shake(program: subprocess.Popen[str]) -> bytes:
    """One handshake; the client's random."""
    return bytes.fromhex(ask(program, ""))


def libssl() -> Path | None:
    """The library that this Python has loaded, if it is one that can be probed here."""
    maps = Path("/proc/self/maps").read_text().splitlines()
    found = next((line.split()[-1] for line in maps if "/libssl.so.3" in line), None)
    return None if found is None or os.uname().machine != "x86_64" else Path(found)
