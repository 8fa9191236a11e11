"""Thousands of distinct keys, each echoed: none in any output, and work in step with them."""

from __future__ import annotations

import random
import re
import string
from pathlib import Path

import pytest

from inspector import inspect
from inspector.credentials import scrubbing
from inspector.options import Options
from inspector.report.formats.whole import as_json
from inspector.secrets import vault
from inspector.secrets.vault import Vault
from tests.canary.plants import error, request, response
from tests.canary.wire import Description, Talk, capture
from tests.leaks.artifacts import artifacts
from tests.leaks.views import PIECE

_WORD = re.compile(rb"[a-z]{12,}")


def keys(count: int, length: int = 40) -> list[bytes]:
    rng = random.Random(count)
    return ["".join(rng.choices(string.ascii_letters, k=length)).encode() for _ in range(count)]


def echoed(known: list[bytes]) -> bytes:
    """Each key is refused with itself in the message, on connections of a hundred requests."""
    talks = []
    for first in range(0, len(known), 100):
        talk = Talk()
        for key in known[first : first + 100]:
            talk.up(request(b"x-api-key: " + key)).down(
                response(
                    b"X-Note: saw " + key,
                    status=b"401 Unauthorized",
                    body=error(type=b"authentication_error", message=b"no such key: " + key),
                )
            )
        talks.append(talk)
    return capture(talks, Description())


def leaking(known: list[bytes], output: bytes) -> int:
    """How many of the keys have a piece in an output."""
    pieces = {
        key.lower()[at : at + PIECE]: key for key in known for at in range(len(key) - PIECE + 1)
    }
    return len(
        {
            pieces[piece]
            for word in set(_WORD.findall(output.lower()))
            for at in range(len(word) - PIECE + 1)
            if (piece := word[at : at + PIECE]) in pieces
        }
    )


@pytest.mark.parametrize("count", [400, pytest.param(2000, marks=pytest.mark.long)])
def test_none_of_so_many_keys_is_in_any_output(count: int, tmp_path: Path) -> None:
    known = keys(count)
    data = echoed(known)
    assert leaking(known, data) == count
    made = artifacts(data, tmp_path / "work")
    assert "redact" in made
    assert {name: leaking(known, output) for name, output in made.items()} == dict.fromkeys(made, 0)


def test_when_there_are_more_than_can_be_known_none_is_either_and_the_report_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault, "WINDOWS_LIMIT", 100 * 40)
    known = keys(300)
    made = artifacts(echoed(known), tmp_path / "work")
    assert {name: leaking(known, output) for name, output in made.items()} == dict.fromkeys(made, 0)
    assert scrubbing.NOT_SHOWN.encode() in made["report.json"]
    report = inspect(tmp_path / "work" / "capture.pcapng", options=Options(scope="all"))
    [limit] = report.completeness.limits_hit
    assert "free text is not shown" in limit


def test_work_grows_as_the_keys_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Counted, not timed: bytes that are searched, and digests that are made.
    counted = {"searched": 0, "digests": 0}
    spans, digest = Vault.spans, Vault._digest

    def counting_spans(self: Vault, text: bytes) -> list[tuple[int, int]]:
        counted["searched"] += len(text)
        return spans(self, text)

    def counting_digest(self: Vault, value: bytes) -> bytes:
        counted["digests"] += 1
        return digest(self, value)

    monkeypatch.setattr(Vault, "spans", counting_spans)
    monkeypatch.setattr(Vault, "_digest", counting_digest)
    work: dict[int, dict[str, int]] = {}
    for count in (100, 200, 400):
        counted.update(searched=0, digests=0)
        path = tmp_path / f"{count}.pcapng"
        path.write_bytes(echoed(keys(count)))
        report = inspect(path, options=Options(scope="all"))
        assert len(as_json(report)) > 100 * count
        work[count] = dict(counted)
    for name in counted:
        for count in (100, 200):
            assert work[2 * count][name] <= 2.3 * work[count][name], (name, work)
