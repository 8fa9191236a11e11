"""A path within a root never leads out of it."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from inspector.linux.roots import open_in_root


@pytest.fixture
def root(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "secret").write_text("outside")
    inside = tmp_path / "root"
    (inside / "usr/lib").mkdir(parents=True)
    (inside / "usr/lib/libssl.so.3").write_text("inside")
    (inside / "secret").write_text("inside")
    (inside / "lib").symlink_to("/usr/lib")
    (inside / "out").symlink_to("../secret")
    (inside / "absolute").symlink_to(tmp_path / "secret")
    (inside / "loop").symlink_to("loop")
    descriptor = os.open(inside, os.O_PATH)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(
    "path", ["/usr/lib/libssl.so.3", "/lib/libssl.so.3", "/out", "/../../secret", "usr/../secret"]
)
def test_what_it_finds_is_inside(root: int, path: str) -> None:
    with os.fdopen(open_in_root(root, path)) as file:
        assert file.read() == "inside"


@pytest.mark.parametrize(
    ("path", "number"),
    [("/absolute", errno.ENOENT), ("/loop", errno.ELOOP), ("/none", errno.ENOENT)],
)
def test_what_is_not_inside_is_not_there(root: int, path: str, number: int) -> None:
    with pytest.raises(OSError, match=re.escape(os.strerror(number))):
        open_in_root(root, path)


def test_a_link_of_the_kernels_is_no_way_out(root: int) -> None:
    proc = os.open("/proc", os.O_PATH)
    try:
        with pytest.raises(OSError, match="Too many levels"):
            open_in_root(proc, f"/self/fd/{root}")
    finally:
        os.close(proc)
