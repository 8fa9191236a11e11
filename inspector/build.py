"""Which build of the program this is, told from its installation; no other program is asked."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from inspector.model.provenance import DISTRIBUTION, VERSION
from inspector.regex import regex

#: Hex digits of a digest or a commit that are kept.
DIGITS: Final = 12

_COMMIT: Final = regex(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
#: A line of RECORD for a file of the package itself: path, digest, size (PEP 376).
_FILE: Final = regex(r"inspector/[^,]*,sha256=[^,]+,[0-9]+")


@cache
def this_build() -> str | None:
    """The build of the running program, as `model.provenance.Tool.build` says."""
    return build_of(Path(__file__).parent.parent)


def build_of(home: Path) -> str | None:
    """By the digests that the installer recorded beside the package, else by the checkout's commit.

    `importlib.metadata` would look for the record in every place that Python imports from, and
    costs 3 % of the analysis of a small capture.
    """
    record = home / f"{DISTRIBUTION.replace('-', '_')}-{VERSION}.dist-info" / "RECORD"
    lines = record.read_text("utf-8").splitlines() if record.is_file() else ()
    files = sorted(line for line in lines if _FILE.fullmatch(line))
    if files:
        digest = hashlib.sha256("\n".join(files).encode()).hexdigest()
        return f"wheel-{digest[:DIGITS]}"
    commit = _commit(home)
    return None if commit is None else f"git-{commit[:DIGITS]}"


def _commit(checkout: Path) -> str | None:
    """The commit that HEAD of a checkout, or of a linked work tree, names."""
    git = checkout / ".git"
    try:
        if git.is_file():
            git = checkout / git.read_text().removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head if _COMMIT.fullmatch(head) else None
        name = head.removeprefix("ref:").strip()
        return next((found for place in _shared(git) if (found := _ref(place, name))), None)
    except OSError:
        return None


def _shared(git: Path) -> list[Path]:
    """Where references are: a linked work tree has its own HEAD and the others' branches."""
    common = git / "commondir"
    return [git, git / common.read_text().strip()] if common.is_file() else [git]


def _ref(git: Path, name: str) -> str | None:
    loose = git / name
    if loose.is_file():
        text = loose.read_text().strip()
        return text if _COMMIT.fullmatch(text) else None
    packed = git / "packed-refs"
    for line in packed.read_text().splitlines() if packed.is_file() else ():
        commit, _, of = line.partition(" ")
        if of == name and _COMMIT.fullmatch(commit):
            return commit
    return None
