"""The shipped objects are their sources."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
ROOM = REPOSITORY / "inspector/linux/ebpf"


def test_no_source_and_no_object_was_changed_since_they_were_built() -> None:
    compiler, *lines = (ROOM / "objects.txt").read_text().splitlines()
    recorded = {name: digest for digest, name in (line.split() for line in lines)}
    files = [*ROOM.glob("*.h"), *ROOM.glob("*.bpf.c"), *ROOM.glob("*.bpf.o")]

    assert compiler.startswith("compiler: ")
    assert recorded == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }, "run make bpf"


def test_the_pinned_compiler_makes_the_shipped_objects_byte_for_byte(tmp_path: Path) -> None:
    pinned = (ROOM / "objects.txt").read_text().splitlines()[0].removeprefix("compiler: ")
    clang = shutil.which("clang-14")
    if clang is None or shutil.which("llvm-strip-14") is None:
        pytest.skip("clang-14 and llvm-strip-14 are not here: tools/system-packages bpf")
    said = subprocess.run([clang, "--version"], capture_output=True, text=True, check=True)
    if said.stdout.splitlines()[0] != pinned:
        pytest.skip(f"clang-14 here is not the pinned one ({pinned})")
    # From a copy at another path: none of this machine's may be in the objects.
    checkout = tmp_path / "elsewhere"
    shutil.copytree(ROOM, checkout / "inspector/linux/ebpf")
    shutil.copytree(REPOSITORY / "tools", checkout / "tools")
    built = tmp_path / "built"
    built.mkdir()

    subprocess.run([checkout / "tools/bpf", built], check=True)

    shipped = sorted(ROOM.glob("*.bpf.o"))
    assert shipped
    assert [path.name for path in sorted(built.glob("*.bpf.o"))] == [p.name for p in shipped]
    for path in shipped:
        assert (built / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_wheel_ships_the_objects_and_no_sources(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")

    with zipfile.ZipFile(wheel) as archive:
        shipped = {name.rpartition("/")[2] for name in archive.namelist() if "/ebpf/" in name}

    here = {path.name for path in ROOM.iterdir() if path.is_file()}
    assert shipped == {name for name in here if name.endswith((".o", ".py"))}
