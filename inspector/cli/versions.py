"""`inspector --version -v`: what a report of a fault has to say of the machine."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version

from inspector.model.provenance import DISTRIBUTION


def versions() -> Iterator[tuple[str, str]]:
    """Names and versions: of Python, the system, and the packages that this one needs."""
    yield "report", _schema()
    yield platform.python_implementation(), platform.python_version()
    yield platform.system(), f"{platform.release()} {platform.machine()}"
    try:
        needed = distribution(DISTRIBUTION).requires or ()
    except PackageNotFoundError:
        return  # run from a checkout that is not installed
    for requirement in needed:
        if "extra ==" in requirement:
            continue
        (package,) = re.findall(r"^[A-Za-z0-9._-]+", requirement)
        try:
            yield package, version(package)
        except PackageNotFoundError:
            yield package, "is not installed"


def _schema() -> str:
    from inspector.model.report import SCHEMA

    return SCHEMA.partition("/")[2]
