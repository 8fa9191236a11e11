"""What a release consists of, as CycloneDX 1.6: `make sbom`.

    python -m tools.sbom [FILE]

From what is locked (requirements/run.txt: versions and hashes), what is declared (pyproject.toml)
and the objects that the wheel ships (objects.txt: SHA-256 and compiler). Nothing is asked of any
index, and the same checkout gives the same bytes: it has no time, and its serial number is made of
what it says. FILE is dist/sbom.cdx.json, if none is given.
"""

from __future__ import annotations

import argparse
import json
import re
import tomllib
import uuid
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = ROOT / "requirements" / "run.txt"
#: Lists of objects: beside what they were built from, with a line for each compiler.
OBJECTS: Final = (
    ROOT / "inspector" / "native" / "objects.txt",
    ROOT / "inspector" / "linux" / "ebpf" / "objects.txt",
)
#: What ends in one of these is in the wheel; the rest of a list are sources.
_SHIPPED: Final = (".so", ".o")
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+?))? ?\\?$")
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_NAME: Final = re.compile(r"^[A-Za-z0-9._-]+")
#: The same name always, whatever a namespace is.
_SPACE: Final = uuid.UUID("5e2a7a60-9ad7-5d0b-8f5c-2f1f4a6f9b11")


def sbom(root: Path = ROOT) -> dict[str, Any]:
    """The document of a checkout."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = locked((root / LOCK.relative_to(ROOT)).read_text(encoding="utf-8"))
    files = [each for path in OBJECTS for each in shipped(root, root / path.relative_to(ROOT))]
    itself = f"pkg:pypi/{project['name']}@{project['version']}"
    by_name = {each["name"]: each["bom-ref"] for each in packages}
    direct = [by_name[normal(_NAME.match(each)[0])] for each in project["dependencies"]]  # type: ignore[index]
    told: dict[str, Any] = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": itself,
                "name": project["name"],
                "version": project["version"],
                "description": project["description"],
                "licenses": [{"license": {"id": project["license"]}}],
                "purl": itself,
            },
            "properties": [{"name": "inspector:lock", "value": LOCK.relative_to(ROOT).as_posix()}],
        },
        "components": [*packages, *files],
        "dependencies": [
            {"ref": itself, "dependsOn": sorted([*direct, *(each["bom-ref"] for each in files)])}
        ],
    }
    serial = uuid.uuid5(_SPACE, json.dumps(told, sort_keys=True))
    return {**told, "serialNumber": f"urn:uuid:{serial}"}


def locked(text: str) -> list[dict[str, Any]]:
    """The packages of a lock file, in its order; raises ValueError for one without a hash."""
    found: list[dict[str, Any]] = []
    hashes: dict[str, list[str]] = {}
    for line in text.splitlines():
        if pinned := _PINNED.match(line):
            name, version, marker = normal(pinned[1]), pinned[2], pinned[3]
            package: dict[str, Any] = {
                "type": "library",
                "bom-ref": f"pkg:pypi/{name}@{version}",
                "name": name,
                "version": version,
                "purl": f"pkg:pypi/{name}@{version}",
            }
            if marker:
                package["properties"] = [{"name": "inspector:marker", "value": marker.strip()}]
            found.append(package)
            hashes[name] = []
        elif (digest := _HASH.search(line)) and found:
            hashes[found[-1]["name"]].append(digest[1])
    for package in found:
        name = package["name"]
        if not hashes[name]:
            raise ValueError(f"{name} has no hash in the lock")
        # As CycloneDX's own tool for requirements has them: any of these files may be installed.
        package["externalReferences"] = [
            {
                "type": "distribution",
                "url": f"https://pypi.org/simple/{name}/",
                "comment": "any of these files",
                "hashes": [{"alg": "SHA-256", "content": each} for each in hashes[name]],
            }
        ]
    return found


def shipped(root: Path, listed: Path) -> list[dict[str, Any]]:
    """The compiled files of a list, with who compiled them."""
    lines = listed.read_text(encoding="utf-8").splitlines()
    compilers = [line.partition(": ")[::2] for line in lines if line.startswith("compiler")]
    found = []
    for line in lines:
        digest, _, name = line.partition("  ")
        if not name.endswith(_SHIPPED):
            continue
        place = (listed.parent / name).relative_to(root).as_posix()
        machine = Path(name).stem.rpartition("-")[2]
        by = [by for of, by in compilers if of in ("compiler", f"compiler for {machine}")]
        found.append(
            {
                "type": "file",
                "bom-ref": place,
                "name": place,
                "hashes": [{"alg": "SHA-256", "content": digest}],
                "properties": [{"name": "inspector:compiler", "value": each} for each in by],
            }
        )
    return found


def normal(name: str) -> str:
    """The name of a package as indexes have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """The command: see the module's text."""
    parser = argparse.ArgumentParser(description="Write the bill of materials of this checkout.")
    parser.add_argument("file", nargs="?", type=Path, default=ROOT / "dist" / "sbom.cdx.json")
    target: Path = parser.parse_args().file
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(sbom(), indent=2) + "\n", encoding="utf-8")
    print(target)


if __name__ == "__main__":
    main()
