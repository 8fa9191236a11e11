"""What is installed is what a program may rely on: the files of the wheel, and its types."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import msgspec
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel of this checkout."""
    return zipfile.ZipFile(built(ROOT, tmp_path_factory.mktemp("wheel")))


def built(source: Path, target: Path, **env: str) -> Path:
    """The wheel that a checkout makes."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target],
        cwd=source,
        env={**os.environ, **env},
        check=True,
        capture_output=True,
    )
    (wheel,) = target.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: zipfile.ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel in it, and what its types are made of."""
    place = tmp_path_factory.mktemp("environment") / "env"
    venv.create(place, symlinks=True)
    (packages,) = place.glob("lib/python*/site-packages")
    wheel.extractall(packages)
    (packages / "msgspec").symlink_to(Path(msgspec.__file__).parent)
    return place / "bin" / "python"


def test_the_wheel_holds_the_package_its_marker_and_its_objects_alone(
    wheel: zipfile.ZipFile,
) -> None:
    names = set(wheel.namelist())
    assert {"inspector/py.typed", "inspector/__init__.py"} <= names
    assert {name for name in names if name.endswith(".bpf.o")}
    data = _metadata(names).replace(".dist-info", ".data")
    assert {name.split("/")[0] for name in names} == {"inspector", data, _metadata(names)}
    assert [name for name in names if name.startswith(data)] == [
        f"{data}/data/share/man/man1/inspector.1"
    ]
    assert {Path(name).suffix for name in names if name.startswith("inspector/")} == {
        ".py", ".typed", ".o", ".so", ".toml", ".html", ".css", ".js"
    }  # fmt: skip
    ours = {path.relative_to(ROOT).as_posix() for path in (ROOT / "inspector").rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == ours


def test_nothing_in_the_wheel_writes_the_documentation_or_reads_the_checkout(
    wheel: zipfile.ZipFile,
) -> None:
    sources = {name: wheel.read(name).decode() for name in wheel.namelist() if name[-3:] == ".py"}
    checkout = re.compile(
        r"""parents\[\d\]|["'](docs|captures|tests|tools|lab)["']\s*/|/\s*["']docs"""
    )
    assert [name for name, source in sources.items() if checkout.search(source)] == []


def test_two_builds_are_the_same_byte_for_byte(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    """Elsewhere, at another time and place of the clock, with other rights on the files."""
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("inspector", "docs", "LICENSE", "README.md", "pyproject.toml", ".gitignore"):
        subprocess.run(["cp", "-r", "--preserve=mode", str(ROOT / name), str(copy)], check=True)
    for path in copy.rglob("*"):
        path.chmod(path.stat().st_mode & 0o700)
        os.utime(path, (1e9, 1e9))
    again = built(copy, tmp_path / "again", TZ="Asia/Tokyo", LC_ALL="C")
    assert wheel.filename is not None
    assert again.read_bytes() == Path(wheel.filename).read_bytes()


def test_every_dependency_is_imported_by_the_package(wheel: zipfile.ZipFile) -> None:
    told = wheel.read(f"{_metadata(set(wheel.namelist()))}/METADATA").decode()
    needed = re.findall(r"^Requires-Dist: ([A-Za-z0-9_-]+)(?!.*extra ==)", told, re.MULTILINE)
    sources = "".join(
        wheel.read(name).decode() for name in wheel.namelist() if name.endswith(".py")
    )
    unused = [
        name for name in needed
        if not re.search(rf"^ *(?:import|from) {name}\b", sources, re.MULTILINE)
    ]  # fmt: skip
    assert needed
    assert unused == []


def test_no_python_to_come_is_shut_out(wheel: zipfile.ZipFile) -> None:
    told = wheel.read(f"{_metadata(set(wheel.namelist()))}/METADATA").decode()
    assert "Requires-Python: >=3.11\n" in told


def test_the_example_in_readme_has_types_where_the_wheel_is_installed(
    installed: Path, tmp_path: Path
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    program = tmp_path / "program.py"
    program.write_text(f"{example}\nreveal_type(report)\nreveal_type(tunnel.authority)\n")
    said = _mypy(installed, program)
    assert 'Revealed type is "inspector.model.report.Report"' in said
    assert 'Revealed type is "str | None"' in said
    assert "error" not in said

    program.write_text(f"{example}\nreport.no_such_field\n")
    assert '"Report" has no attribute "no_such_field"' in _mypy(installed, program)


def _metadata(names: set[str]) -> str:
    (found,) = {name.split("/")[0] for name in names if ".dist-info/" in name}
    return found


def _mypy(python: Path, program: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, program],
        cwd=program.parent,
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr
