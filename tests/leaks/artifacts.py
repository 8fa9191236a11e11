"""Everything that the program leaves of a capture: both streams of three commands, and files."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from click.testing import CliRunner

from inspector.cli.main import main

#: What differs between two keys by design: the words that tell equal keys from others, and the
#: digest of the whole file.
_FINGERPRINT: Final = re.compile(
    rb"(?<= bytes )[0-9a-f]{1,12}|(?<=%20bytes%20)[0-9a-f]{12}|\b[0-9a-f]{12}(?:[0-9a-f]{52})?\b"
)
#: The digest of the file that was read, which two captures do not share.
_DIGEST: Final = re.compile(rb"\b[0-9a-f]{64}\b")
_DIGIT: Final = re.compile(rb"[0-9]")


def artifacts(
    capture: bytes, folder: Path, options: Iterable[str | Path] = (), suffix: str = ".pcapng"
) -> dict[str, bytes]:
    """The outputs for one capture, by name.  `folder` is emptied and used."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path, left = folder / f"capture{suffix}", folder / "left"
    redacted = folder / "redacted.pcapng"
    path.write_bytes(capture)
    common = ["--scope", "all", "--no-progress", *map(str, options)]
    made: dict[str, bytes] = {}
    made["terminal"], made["messages"] = _run("analyze", "-vv", *common, "-o", left, path)
    made["jsonl"], _ = _run("analyze", *common, "--format", "jsonl", path)
    made["judgement"], _ = _run("check", *common, "-o", folder / "judged", path)
    made |= {item.name: item.read_bytes() for item in sorted((folder / "judged").glob("*"))}
    _, made["messages of redact"] = _run("redact", "--no-progress", path, redacted)
    if left.exists():
        made |= {item.name: item.read_bytes() for item in sorted(left.iterdir())}
    if redacted.exists():
        made["redact"] = redacted.read_bytes()
    return made


def without_fingerprints(output: bytes) -> bytes:
    """An output in which equal keys may differ from others, but not one key from another."""
    return _DIGIT.sub(b"0", _FINGERPRINT.sub(b"(fingerprint)", _DIGEST.sub(b"(digest)", output)))


def _run(*arguments: str | Path) -> tuple[bytes, bytes]:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])  # `-vv` starts logging for the whole process
    try:
        done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    finally:
        root.setLevel(before[0])
        root.handlers[:] = before[1]
    return done.stdout_bytes, done.stderr_bytes
