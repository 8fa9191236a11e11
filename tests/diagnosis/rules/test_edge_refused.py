"""edge-refused: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from inspector.model.conclusions import Hypothesis
from inspector.model.report import Report
from tests.diagnosis.calls import CALL, called, cause, error, openai, refusal

_PAGE = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head></html>"


def _h4b(report: Report) -> Hypothesis:
    return next(row for row in report.hypotheses if row.id == "H4b")


@pytest.mark.parametrize(
    ("status", "fields", "who"),
    [
        (403, ("cf-mitigated: challenge", "server: cloudflare"), "Cloudflare"),
        (503, ("server: cloudflare",), "Cloudflare"),
        (403, ("server: AkamaiGHost",), "Akamai"),
        (403, ("server: CloudFront", "x-cache: Error from cloudfront"), "CloudFront"),
        (403, ("x-iinfo: 1-2",), "Imperva"),
        (429, ("x-vercel-mitigated: challenge",), "Vercel"),
        (403, (), "The API's edge"),
    ],
)
def test_a_page_in_front_of_the_api_is_its_edges(
    status: int, fields: tuple[str, ...], who: str
) -> None:
    report = called(CALL, refusal(status, *fields, body=_PAGE, kind="text/html"))
    told = cause(report)

    assert told.code == "edge-refused"
    assert told.sentence.startswith(who)
    assert "plan allow" not in told.advice
    assert _h4b(report).verdict == "refuted"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, openai("Country, region, or territory not supported",
                     "request_forbidden", "unsupported_country_region_territory")),
        (403, b'{"error":{"type":"forbidden","message":"Request not allowed"}}'),
        (400, b'{"error":{"code":400,"message":"User location is not supported for the API use.",'
              b'"status":"FAILED_PRECONDITION"}}'),
    ],
)  # fmt: skip
def test_a_country_that_is_not_served_is_the_address(status: int, body: bytes) -> None:
    told = cause(called(CALL, refusal(status, body=body)))

    assert told.code == "edge-refused"
    assert "country" in told.advice


@pytest.mark.parametrize("status", [520, 521, 522, 523, 524, 525, 526, 530])
def test_a_status_of_cloudflares_own_means_that_the_origin_gave_no_answer(status: int) -> None:
    fields = ("server: cloudflare", "cf-ray: 1-AMS")
    told = cause(called(CALL, refusal(status, *fields, body=_PAGE, kind="text/html")))

    assert told.code == "edge-refused"
    assert any(f"{status} means" in line for line in told.details)
    assert "status page" in told.advice


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, error("Your organization has been disabled."), "upstream-forbidden"),
        (529, error("Overloaded"), "upstream-overloaded"),
        (500, error("Internal server error"), "upstream-server-error"),
    ],
)
def test_what_the_api_says_behind_an_edge_is_its_own(status: int, body: bytes, code: str) -> None:
    fields = ("server: cloudflare", "cf-ray: 1-AMS")

    assert cause(called(CALL, refusal(status, *fields, body=body))).code == code


@pytest.mark.parametrize("status", [400, 413, 431])
def test_a_page_about_the_request_is_no_refusal_of_an_address(status: int) -> None:
    told = cause(called(CALL, refusal(status, "server: cloudflare", body=_PAGE, kind="text/html")))

    assert told.code == "upstream-bad-request"
