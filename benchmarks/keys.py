"""How many credentials a run can know, and what each costs: `make bench-keys`.

    python -m benchmarks.keys

Each case is a capture in which every key is sent once and refused with itself in the error's
text and in a header, on connections of a hundred calls.  `inspector analyze -o` reads it and
leaves report, summary and copy; in all of them twelve consecutive bytes of each key are looked
for, in any case.  *Evidence* is the share of calls of which method, target, status, names of
headers, content type and the error's type are in the report as they were.  CPU seconds and peak
memory are the kernel's (`wait4`), start-up included.
"""

from __future__ import annotations

import json
import os
import random
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.wire import MSS, PCAP_HEADER, Conversation, Host, Rendered, pieces

_PIECE: Final = 12
_CALLS: Final = 100
_START: Final = 1_767_225_600_000_000

#: What an agent may send as its key so that the report is blanked: words, texts, values.
POISONS: Final[dict[str, tuple[bytes, ...]]] = {
    "ordinary words": (
        b"authentication_error", b"invalid x-api-key", b"content-length", b"rate limit exceeded",
        b"the request is missing a header that is required by this model",
    ),
    "long text": (
        b" ".join(b"the model %d did not answer the request in time, try it again" % number
                  for number in range(30)),
    ),
    "values of headers": (
        b"application/json", b"text/event-stream; charset=utf-8", b"claude-sonnet-4-5-20250929",
        b"claude-cli/2.1.88 (external, cli)", b"172.30.0.30:10001", b"api.anthropic.com",
    ),
    "dates and numbers": (
        b"Fri, 28 Nov 2025 23:12:07 GMT", b"2025-11-28T23:12:07Z", b"2023-06-01", b"1234567",
    ),
}  # fmt: skip


class Result(NamedTuple):
    """What came of one case."""

    calls: int
    leaked: int
    evidence: float
    full: bool
    cpu: float
    peak: int


def random_keys(count: int, length: int) -> list[bytes]:
    """Distinct keys of letters by chance, no shape betrays them."""
    rng = random.Random(count)
    return ["".join(rng.choices(string.ascii_letters, k=length)).encode() for _ in range(count)]


def capture(keys: Sequence[bytes], out: Path) -> None:
    """A capture in which each key is sent and refused with itself."""
    rendered: list[Rendered] = []
    rng = random.Random(7)
    now = _START
    for first in range(0, len(keys), _CALLS):
        ends = (Host.at("172.30.0.20"), 20_000 + first // _CALLS), (Host.at("172.30.0.30"), 10001)
        talk = Conversation(rendered, ends, now, rng)
        talk.open()
        for key in keys[first : first + _CALLS]:
            talk.send(True, pieces(_request(key), MSS))
            talk.send(False, pieces(_response(key), MSS))
        talk.close()
        now = talk.now + 1000
    out.write_bytes(PCAP_HEADER + b"".join(record for _, record in rendered))


def _request(key: bytes) -> bytes:
    return (
        b"GET /v1/models HTTP/1.1\r\nHost: 172.30.0.30:10001\r\nx-api-key: %s\r\n"
        b"anthropic-version: 2023-06-01\r\nUser-Agent: claude-cli/2.1.88 (external, cli)\r\n\r\n"
    ) % key


def _response(key: bytes) -> bytes:
    said = json.dumps(key.decode("latin-1"))[1:-1].encode()
    body = (
        b'{"type":"error","error":{"type":"authentication_error","message":"no such key: %s"}}'
    ) % said
    return (
        b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
        b"Date: Fri, 28 Nov 2025 23:12:07 GMT\r\nX-Note: saw %s\r\n\r\n%s"
    ) % (len(body), key, body)


def measure(keys: Sequence[bytes], *, secret: bool = True) -> Result:
    """Run the inspector over the capture of some keys; `secret`: they are to be in no output."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source, left = folder / "source.pcap", folder / "left"
        capture(keys, source)
        command = [
            sys.executable, "-m", "inspector", "analyze", "--format", "json", "--no-progress",
            "-o", str(left), str(source),
        ]  # fmt: skip
        with (folder / "out").open("wb") as out:
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        report = json.loads((left / "report.json").read_bytes())
        outputs = [path.read_bytes() for path in (folder / "out", *left.iterdir())]
    return Result(
        calls=len(keys),
        leaked=leaking(keys, outputs) if secret else 0,
        evidence=sum(map(is_whole, report["exchanges"])) / len(keys),
        full=any("credentials" in limit for limit in report["completeness"]["limits_hit"]),
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss >> 10,
    )


def leaking(keys: Iterable[bytes], outputs: Iterable[bytes]) -> int:
    """How many of the keys have a piece in an output."""
    wanted = {
        key.lower()[at : at + _PIECE]: key for key in keys for at in range(len(key) - _PIECE + 1)
    }
    found = set()
    for output in outputs:
        low = output.lower()
        found |= {
            wanted[piece]
            for at in range(len(low) - _PIECE + 1)
            if (piece := low[at : at + _PIECE]) in wanted
        }
    return len(found)


def is_whole(exchange: dict[str, Any]) -> bool:
    """Whether an exchange of the report says what a diagnosis needs."""
    request, response = exchange["request"], exchange["response"]
    return (
        (request["method"], request["target"]) == ("GET", "/v1/models")
        and [name for name, _ in request["headers"]]
        == ["Host", "x-api-key", "anthropic-version", "User-Agent"]
        and response["status"] == 401
        and [name for name, _ in response["headers"]]
        == ["Content-Type", "Content-Length", "Date", "X-Note"]
        and response["content_type"] == "application/json"
        and response["api_error"]["type"] == "authentication_error"
    )


def poisoned(words: Sequence[bytes]) -> list[bytes]:
    """Words that are sent as keys, over and over."""
    return [*words] * (1000 // len(words))


#: Name -> its keys, and whether they are secret.
CASES: Final[dict[str, tuple[Callable[[], list[bytes]], bool]]] = {
    "300 keys of 40 bytes": (partial(random_keys, 300, 40), True),
    "1,000 keys of 40 bytes": (partial(random_keys, 1000, 40), True),
    "10,000 keys of 40 bytes": (partial(random_keys, 10_000, 40), True),
    **{f"1,000 times {name}": (partial(poisoned, words), False) for name, words in POISONS.items()},
    # Last: the kernel counts to the peak of a process what its parent held when it was started.
    "256 keys of 8 KB": (partial(random_keys, 256, 8192), True),
}


def main() -> None:
    """The command: see the module's text."""
    print("| case | calls | keys leaked | evidence kept | vault full | CPU | peak memory |")
    print("|---|---|---|---|---|---|---|")
    for name, (made, secret) in CASES.items():
        told = measure(made(), secret=secret)
        leaked = str(told.leaked) if secret else "(public)"
        print(
            f"| {name} | {told.calls:,} | {leaked} | {told.evidence:.1%} |"
            f" {'yes' if told.full else 'no'} | {told.cpu:.1f} s | {told.peak} MB |",
            flush=True,
        )


if __name__ == "__main__":
    main()
