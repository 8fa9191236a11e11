"""Networks that stand in front of APIs, and the signs by which their own answers are told.

An edge answers instead of the API: a challenge, a block by address or country, a page about an
origin that it did not reach.  An API answers JSON; what comes as a web page is none of its own.
"""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.fact import Fact
from inspector.model.http import PageAuthor

#: Statuses that Cloudflare alone writes, and what they mean (its reference, "5xx errors").
ORIGIN: Final = {
    520: "the API's own server answered something that is no HTTP",
    521: "the API's own server refuses connections",
    522: "the API's own server does not take connections in time",
    523: "the API's own server cannot be reached",
    524: "the API's own server did not answer within 100 s",
    525: "TLS to the API's own server failed",
    526: "the certificate of the API's own server is not valid",
    527: "the connection to the API's own server broke",
    530: "the API's own server has no address there",
}


class FrontNetwork(Fact):
    """A network in front of APIs."""

    name: str
    #: Headers, by folded name, that it adds to what it answers itself.
    marks: tuple[str, ...] = ()
    #: How its `server` begins, folded; on a web page that is its own page.
    servers: tuple[str, ...] = ()
    #: Headers that it adds to everything; on a web page that is its own page.
    passing: tuple[str, ...] = ()
    #: Whose page it is by its signature (`Response.page`).
    page: PageAuthor | None = None


#: Sources: the reference of each network about its block pages and headers.
EDGES: Final[tuple[FrontNetwork, ...]] = (
    FrontNetwork("Cloudflare", ("cf-mitigated",), ("cloudflare",), ("cf-ray",), "cloudflare"),
    FrontNetwork("CloudFront", (), ("cloudfront",), ("x-amz-cf-id", "x-amz-cf-pop"), "cloudfront"),
    FrontNetwork("AWS WAF", ("x-amzn-waf-action",), ("awselb",), (), "awselb"),
    FrontNetwork(
        "Akamai", (), ("akamaighost", "akamainetstorage"), ("akamai-grn", "x-akamai-request-id")
    ),
    FrontNetwork("Fastly", (), ("varnish", "fastly"), ("x-fastly-request-id",)),
    FrontNetwork("Imperva", (), ("imperva", "incapsula"), ("x-iinfo",)),
    FrontNetwork("Vercel", ("x-vercel-mitigated",), ("vercel",), ("x-vercel-id",)),
    FrontNetwork("Azure Front Door", (), (), ("x-azure-ref",)),
    FrontNetwork("Sucuri", ("x-sucuri-block",), ("sucuri",), ("x-sucuri-id",)),
    FrontNetwork("DataDome", ("x-datadome", "x-dd-b"), ("datadome",)),
    FrontNetwork("DDoS-Guard", (), ("ddos-guard",)),
)

#: Statuses with which something in front refuses; a page with 400 or 413 is about the request,
#: one with 404 about the path.
_REFUSALS: Final = frozenset({401, 403, 406, 409, 418, 429, 451, 503})
_PAGES: Final = ("text/html", "application/xhtml+xml")


def edge_of(call: FailedCall) -> str | None:
    """The network whose own answer it is; None where it may be the API's.

    "somebody" stands for one that no sign names.
    """
    response, status = call.exchange.response, call.status or 0
    if response is None or status < 400 or call.answered_by not in ("upstream", "unknown"):
        return None
    names = {name.lower() for name, _ in response.headers}
    server = call.header("server").lower()
    if status in ORIGIN and not call.words:
        return "Cloudflare"
    for edge in EDGES:
        if names.intersection(edge.marks):
            return edge.name
    if response.content_type not in _PAGES or not (status in _REFUSALS or status >= 500):
        return None
    for edge in EDGES:
        if edge.page is not None and response.page == edge.page:
            return edge.name
        if server.startswith(edge.servers or "\0") or names.intersection(edge.passing):
            return edge.name
    if response.page is not None:
        return None  # a gateway's own page (nginx, HAProxy, Apache), which stands anywhere
    return "somebody" if status in _REFUSALS and response.complete else None


def is_challenge(call: FailedCall) -> bool:
    """Whether a browser's test is asked for (Cloudflare, AWS WAF, Vercel)."""
    asked = (call.header("cf-mitigated"), call.header("x-amzn-waf-action"))
    return any(asked) or call.header("x-vercel-mitigated") == "challenge"
