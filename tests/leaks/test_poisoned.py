"""What an agent sends as its key blanks no evidence: words, long texts, header values, dates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.keys import POISONS, capture, is_whole, leaking, random_keys
from inspector import inspect
from inspector.model.http import ApiError
from inspector.options import Options
from inspector.redaction import redact_into
from inspector.report.formats.whole import as_dict
from tests.canary import wire
from tests.canary.plants import error, request, response
from tests.canary.wire import Description, Talk


def told(keys: list[bytes], folder: Path) -> tuple[dict[str, Any], bytes, dict[str, Any]]:
    """The report of the calls with these keys, their copy, and the report of that."""
    source, copy = folder / "source.pcap", folder / "copy.pcapng"
    capture(keys, source)
    with copy.open("w+b") as out:
        redact_into(source, out)
    options = Options(scope="all")
    reports = (as_dict(inspect(path, options=options)) for path in (source, copy))
    return next(reports), copy.read_bytes(), next(reports)


def concluded(report: dict[str, Any]) -> set[str]:
    return {finding["code"] for finding in report["findings"]}


@pytest.mark.parametrize("words", POISONS.values(), ids=POISONS)
def test_a_poisoned_key_blanks_nothing_that_a_diagnosis_needs(
    words: tuple[bytes, ...], tmp_path: Path
) -> None:
    honest, _, _ = told(random_keys(len(words), 40), tmp_path)
    report, _, of_the_copy = told([*words], tmp_path)
    assert all(map(is_whole, report["exchanges"]))
    assert all(map(is_whole, of_the_copy["exchanges"]))
    assert len(report["exchanges"]) == len(of_the_copy["exchanges"]) == len(words)
    assert concluded(honest) <= concluded(report)
    assert report["completeness"]["limits_hit"] == []


def test_long_keys_leave_nothing_and_the_evidence_stays(tmp_path: Path) -> None:
    keys = random_keys(20, 8192)
    report, copy, of_the_copy = told(keys, tmp_path)
    assert leaking(keys, [str(report).encode(), copy, str(of_the_copy).encode()]) == 0
    assert all(map(is_whole, report["exchanges"]))
    assert all(map(is_whole, of_the_copy["exchanges"]))
    assert report["completeness"]["limits_hit"] == []


#: As the APIs write them: an agent may send any of them back as its key.
ERRORS = (
    ("invalid_request_error", "Your credit balance is too low to access the Anthropic API. Please"
     " go to Plans & Billing to upgrade or purchase credits."),
    ("rate_limit_error", "Number of request tokens has exceeded your per-minute rate limit, please"
     " try again later"),
    ("invalid_request_error", "prompt is too long: 200001 tokens > 200000 maximum"),
    ("not_found_error", "The model `claude-lab-1` does not exist or you do not have access to it."),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "message"), ERRORS)
def test_an_error_of_the_api_that_is_sent_as_a_key_forty_times_costs_nothing(
    kind: str, message: str, tmp_path: Path
) -> None:
    body = error(type=kind.encode(), message=message.encode())
    talks = [
        Talk()
        .up(request(b"x-api-key: " + body))
        .down(response(status=b"400 Bad Request", body=body))
        for _ in range(40)
    ]
    source, copy = tmp_path / "source.pcapng", tmp_path / "copy.pcapng"
    source.write_bytes(wire.capture(talks, Description()))
    with copy.open("w+b") as out:
        redact_into(source, out)
    for path in (source, copy):
        report = inspect(path, options=Options(scope="all"))
        told = {exchange.response.api_error for exchange in report.exchanges if exchange.response}
        assert told == {ApiError(kind, message, None, None)}
        assert report.completeness.limits_hit == ()
