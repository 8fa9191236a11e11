"""Of an error page stays who wrote it, as the report tells it, and no word of anybody else."""

from __future__ import annotations

import pytest

from inspector.protocols.pages import PAGE_LIMIT, author_of
from inspector.redaction.page_bodies import PageBody

PAGES = {
    "squid": b"<html><p>LABONLY-key</p><!-- The Squid Software Foundation --></html>",
    "nginx": b"<html><h1>403 LABONLY</h1><hr><center>nginx/1.18.0 (LABONLY9)</center></html>",
    "haproxy": (
        b"<html><body><h1>503 LABONLY Service</h1>\n"
        b"No server is available to handle this request.\n</body></html>"
    ),
    "apache": b"<hr><address>Apache/2.4.41 (LABONLY) Server at LABONLYhost Port 80</address>",
    "kong": b"<title>Error</title> LABONLY <p>LABONLY-of-no-shape kong</p>",
    "cloudflare": b"<html>LABONLY<div id='cf-error-details'>LABONLY</div>",
    "google": b"<title>Error 404 (LABONLY)!!1</title>LABONLY",
}


@pytest.mark.parametrize("author", PAGES)
@pytest.mark.parametrize("size", [1 << 20, 7, 1])
def test_the_author_stays_and_what_the_page_says_does_not(author: str, size: int) -> None:
    page = PAGES[author]
    body = PageBody()
    parts = [body.feed(page[at : at + size]) for at in range(0, len(page), size)]
    shown = b"".join(parts) + body.finish()
    assert len(shown) == len(page)
    assert author_of(page) == author_of(shown) == author
    assert b"LABONLY" not in shown
    assert body.changed


def test_a_page_of_nobody_is_blank_however_long() -> None:
    body = PageBody()
    page = b"<p>LABONLY</p>" * PAGE_LIMIT
    shown = body.feed(page) + body.finish()
    assert shown == b"x" * len(page)


def test_behind_a_gap_nothing_of_a_page_is_read() -> None:
    body = PageBody()
    start = body.feed(b"<html>LABONLY") + body.flush()
    body.gap()
    rest = body.feed(PAGES["squid"]) + body.finish()
    assert set(start + rest) == {ord("x")}
