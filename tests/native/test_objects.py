"""The shipped objects are their source, need nothing, and are in the wheel."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
ROOM = REPOSITORY / "inspector/native"
MACHINES = ("x86_64", "aarch64")


def test_no_source_and_no_object_was_changed_since_they_were_built() -> None:
    lines = [
        line for line in (ROOM / "objects.txt").read_text().splitlines() if "compiler" not in line
    ]
    recorded = {name: digest for digest, name in (line.split() for line in lines)}
    files = [*ROOM.glob("*.h"), *ROOM.glob("*.c"), *ROOM.glob("*.so")]

    assert recorded == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }, "run make native"
    assert {path.name for path in ROOM.glob("*.so")} == {f"core-{one}.so" for one in MACHINES}


@pytest.mark.parametrize("machine", MACHINES)
def test_the_pinned_compiler_makes_the_shipped_object_byte_for_byte(
    machine: str, tmp_path: Path
) -> None:
    (pinned,) = (
        line.partition(": ")[2]
        for line in (ROOM / "objects.txt").read_text().splitlines()
        if line.startswith(f"compiler for {machine}: ")
    )
    compiler = shutil.which(f"{machine}-linux-gnu-gcc-12")
    if compiler is None:
        pytest.skip(f"no pinned compiler for {machine} here: tools/system-packages native")
    said = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True)
    if said.stdout.splitlines()[0] != pinned:
        pytest.skip(f"the compiler for {machine} here is not the pinned one ({pinned})")
    # From a copy at another path: none of this machine's may be in the object.
    checkout = tmp_path / "elsewhere"
    shutil.copytree(ROOM, checkout / "inspector/native")
    shutil.copytree(REPOSITORY / "tools", checkout / "tools")
    built = tmp_path / "built"
    built.mkdir()

    subprocess.run([checkout / "tools/native", built, machine], check=True)

    name = f"core-{machine}.so"
    assert (built / name).read_bytes() == (ROOM / name).read_bytes()


@pytest.mark.parametrize("machine", MACHINES)
def test_an_object_needs_no_library_and_leaves_no_name_open(machine: str) -> None:
    readelf = shutil.which("readelf")
    if readelf is None:
        pytest.skip("readelf is not here: apt-get install binutils")
    said = subprocess.run(
        [readelf, "--dynamic", "--dyn-syms", "--relocs", "-W", ROOM / f"core-{machine}.so"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "NEEDED" not in said
    assert "There are no relocations in this file." in said
    open_names = [line for line in said.splitlines() if " UND " in line and "inspector" in line]
    assert not open_names
    assert "inspector_core_join" in said


def test_the_wheel_ships_the_objects_and_no_source(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")

    with zipfile.ZipFile(wheel) as archive:
        shipped = {name.rpartition("/")[2] for name in archive.namelist() if "/native/" in name}

    here = {path.name for path in ROOM.iterdir() if path.is_file()}
    assert shipped == {name for name in here if name.endswith((".so", ".py"))}
