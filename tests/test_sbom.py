"""The bill of materials names what is locked and what is shipped, and nothing else."""

from __future__ import annotations

import hashlib
import json
import tomllib
from typing import Any

import pytest

from tools.sbom import LOCK, ROOT, locked, normal, sbom, shipped

TOLD = sbom()
PACKAGES = [each for each in TOLD["components"] if each["type"] == "library"]
FILES = [each for each in TOLD["components"] if each["type"] == "file"]


def test_it_has_every_package_of_the_lock_with_all_its_hashes() -> None:
    text = LOCK.read_text()
    assert len(PACKAGES) == text.count("==") > 20
    hashes = [
        each["content"]
        for package in PACKAGES
        for each in package["externalReferences"][0]["hashes"]
    ]
    assert len(hashes) == text.count("--hash=sha256:")
    assert all(f"--hash=sha256:{each}" in text for each in hashes)


def test_what_is_declared_is_what_it_depends_on_directly() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (graph,) = TOLD["dependencies"]
    direct = [each for each in graph["dependsOn"] if each.startswith("pkg:")]
    assert len(direct) == len(declared)
    assert any(each.startswith("pkg:pypi/msgspec@") for each in direct)


def test_every_object_in_the_package_is_in_it_with_its_hash_and_its_compiler() -> None:
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "inspector").rglob("*")
        if path.suffix in (".so", ".o")
    }
    assert {each["name"] for each in FILES} == there
    for each in FILES:
        (digest,) = each["hashes"]
        assert digest["content"] == hashlib.sha256((ROOT / each["name"]).read_bytes()).hexdigest()
        (by,) = each["properties"]
        assert "gcc" in by["value"] or "clang" in by["value"]


def test_twice_is_the_same_and_another_lock_is_another_document() -> None:
    assert json.dumps(sbom()) == json.dumps(TOLD)
    assert TOLD["serialNumber"].startswith("urn:uuid:")
    assert "timestamp" not in json.dumps(TOLD)


def test_each_reference_is_there_once() -> None:
    names = [each["bom-ref"] for each in TOLD["components"]]
    assert len(set(names)) == len(names)
    assert set(TOLD["dependencies"][0]["dependsOn"]) <= set(names)


def test_a_package_without_a_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="lab-b has no hash"):
        locked("lab-a==1 \\\n    --hash=sha256:" + "0" * 64 + "\nLab_B==2\n")


def test_a_marker_is_kept() -> None:
    lock = "cffi==2.1 ; python_version < '3.14' \\\n    --hash=sha256:" + "0" * 64 + "\n"
    (package,) = locked(lock)
    assert package["version"] == "2.1"
    assert package["properties"] == [
        {"name": "inspector:marker", "value": "python_version < '3.14'"}
    ]


def test_names_are_those_of_an_index() -> None:
    assert normal("Lab_Name.x--y") == "lab-name-x-y"


def test_sources_of_objects_are_no_components(tmp_path: Any) -> None:
    (tmp_path / "objects.txt").write_text(
        "compiler: clang 1\n" + "0" * 64 + "  a.c\n" + "1" * 64 + "  a.bpf.o\n"
    )
    (found,) = shipped(tmp_path, tmp_path / "objects.txt")
    assert (found["name"], found["properties"][0]["value"]) == ("a.bpf.o", "clang 1")
