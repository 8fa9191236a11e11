"""exchanges.har in the network panel of a real Chromium, as "Import HAR file" opens it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inspector import inspect
from inspector.model.report import Report
from inspector.options import Options
from inspector.report.formats.har import write_har
from tests.report.html.browser import CHROMIUM, Browser, browser

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: tools/system-packages browser"),
]

CAPTURES = Path(__file__).parents[3] / "captures"
#: Every kind of entry: read inside TLS, denied, without an answer, streamed, a WebSocket, IPv6.
SHOWN = ("h4-401-inside-tunnel", "squid-denied", "issue-1527", "healthy-sse", "websocket",
         "ipv6-bridge", "lost-packets")  # fmt: skip

_VIEW = """const network = await import('./panels/network/network.js');
    const view = network.NetworkPanel.NetworkPanel.instance().networkLogView;
    const rows = () => view.flatNodesList().map(node => node.request()).filter(Boolean);"""
#: What the button "Import HAR file" calls; why it failed, if it did.
_IMPORT = """(async (text) => {
    const ui = await import('./ui/legacy/legacy.js');
    await ui.ViewManager.ViewManager.instance().showView('network');
    %s
    const failed = [];
    view.harLoadFailed = why => failed.push(String(why));
    await view.onLoadFromFile(new File([text], 'exchanges.har'));
    return failed;
})(%s)"""
#: Whether the panel has drawn so many rows; it does so when the browser finds time.
_DRAWN = """(async () => {
    %s
    return rows().length >= %d;
})()"""
_ROWS = """(async () => {
    %s
    return rows().map(request => ({
        method: request.requestMethod, url: request.url(), status: request.statusCode,
        sent: request.requestHeaders().length, got: request.responseHeaders.length,
        type: request.resourceType().name(),
        seconds: request.endTime - request.startTime,
    }));
})()"""


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def archive(report: Report) -> str:
    out = io.BytesIO()
    write_har(report, out)
    return out.getvalue().decode()


def told(entry: dict[str, Any]) -> tuple[object, ...]:
    """What the panel shows of an entry."""
    request, response = entry["request"], entry["response"]
    kind = {"fetch": "fetch", "websocket": "websocket", "other": "other"}[entry["_resourceType"]]
    counts = len(request["headers"]), len(response["headers"])
    return (request["method"], request["url"], response["status"], *counts, kind)


@pytest.mark.parametrize("name", SHOWN)
def test_the_panel_has_a_row_for_each_entry_with_all_that_it_says(
    name: str, chromium: Browser
) -> None:
    har = archive(inspect(CAPTURES / name, options=Options(finds_keys=True)))
    entries = json.loads(har)["log"]["entries"]
    assert entries
    chromium.open_devtools()

    assert chromium.run(_IMPORT % (_VIEW, json.dumps(har))) == []
    chromium.until(_DRAWN % (_VIEW, len(entries)))
    rows = chromium.run(_ROWS % _VIEW)

    assert [(r["method"], r["url"], r["status"], r["sent"], r["got"], r["type"]) for r in rows] == [
        told(entry) for entry in entries
    ]
    for row, entry in zip(rows, entries, strict=True):
        assert row["seconds"] == pytest.approx(max(0, entry["time"]) / 1000, abs=0.002)
