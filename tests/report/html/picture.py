"""docs/report.png, which README.md shows: report.html of a golden capture, as Chromium draws it.

`python -m tests.report.html.picture` makes it anew.  The picture says of which sources it is, so
that a test knows whether it is the present page.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Final

from inspector import inspect
from inspector.options import Options
from inspector.report.html.write import write_html
from tests.report.html.browser import browser

ROOT: Final = Path(__file__).parents[3]
PICTURE: Final = ROOT / "docs" / "report.png"
SHOWN: Final = "h4-401-inside-tunnel"
WIDTH: Final = 1280
HEIGHT: Final = 1240

_SOURCES: Final = ("page.html", "page.css", "page.js")
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_KEYWORD: Final = b"Source\0"


def digest() -> bytes:
    """That of the page's sources."""
    told = hashlib.sha256()
    for name in _SOURCES:
        told.update((ROOT / "inspector" / "report" / "html" / name).read_bytes())
    return told.hexdigest().encode()


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG (RFC 2083 3.2), each with its type."""
    assert png.startswith(_SIGNATURE)
    found, at = [], len(_SIGNATURE)
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        found.append((kind, png[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def source_of(png: bytes) -> bytes | None:
    """The digest that stands in a picture."""
    texts = [data for kind, data in chunks(png) if kind == b"tEXt"]
    return next((t.removeprefix(_KEYWORD) for t in texts if t.startswith(_KEYWORD)), None)


def signed(png: bytes) -> bytes:
    """The picture with the digest in it, before its last chunk."""
    end = png.rindex(b"IEND") - 4
    body = b"tEXt" + _KEYWORD + digest()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:end] + chunk + png[end:]


def make(path: Path) -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as place:
        page = Path(place) / "report.html"
        options = Options(finds_keys=True, fingerprint_key=b"the picture of README.md")
        # By its name in the repository, as whoever reads README.md names it.
        with contextlib.chdir(ROOT), page.open("wb") as out:
            write_html(inspect(f"captures/{SHOWN}", options=options), out)
        with browser(Path(place) / "chromium") as shown:
            shown.open(page, width=WIDTH)
            shown.resize(WIDTH, HEIGHT)
            shown.picture(path, whole=False)
    path.write_bytes(signed(path.read_bytes()))


if __name__ == "__main__":
    make(PICTURE)
    print(PICTURE, PICTURE.stat().st_size, file=sys.stderr)
