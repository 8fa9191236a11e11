"""What all tests share: hypothesis profiles, markers, and the captures beside the checkout."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from tests.truth.beside import SHARED, absent, needs

#: No deadlines (a busy machine is no failure); in CI the same examples each run.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# A job in the background of a shell ignores SIGINT, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

TESTS: Final = Path(__file__).parent

#: Folder or module of tests -> the marker of all that is in it.
ROOMS: Final = {
    "action": "live",
    "benchmarks": "slow",
    "linux": "kernel",
    "lab": "lab",
    "live": "live",
}

#: Each of these takes more than a second: whole captures through every output, a corpus of
#: damaged ones, processes by the dozen.  Measured with `pytest --durations`.
SLOW: Final = frozenset(
    {
        "benchmarks/test_growth.py",
        "chain/test_rows.py",
        "chain/test_truth.py",
        "cli/test_discretion.py",
        "cli/test_interrupts.py",
        "cli/test_streams.py",
        "fleet/test_engines.py",
        "fleet/test_secrets.py",
        "leaks/test_leaks.py",
        "leaks/test_many_keys.py",
        "leaks/test_non_interference.py",
        "malformed/test_malformed.py",
        "property/test_packets.py",
        "protocols/test_http1_oracles.py",
        "protocols/test_http1_places.py",
        "redaction/test_canary.py",
        "redaction/test_files.py",
        "redaction/test_large.py",
        "redaction/test_memory.py",
        "redaction/test_packets.py",
        "report/test_growth.py",
        "test_canary.py",
        "test_canary_outputs.py",
        "test_faults.py",
        "test_hostile_text.py",
        "test_wheel.py",
    }
)

#: Fixture -> the marker of every test that uses it, be it through another fixture.
FIXTURES: Final = {
    "docker_possible": pytest.mark.lab,
    "lab_possible": pytest.mark.lab,
    "public_captures": needs("public-captures"),
    "real_captures": needs("real-captures"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--share 0/2`: only the first of two shares of the modules (`tests/__main__.py`)."""
    parser.addoption(
        "--share", default="0/1", metavar="N/OF", help="Run this share of the modules."
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by room and by fixture, before `-m` chooses among them; skip what is absent."""
    share, shares = map(int, config.getoption("share").split("/"))
    modules = {path: number for number, path in enumerate(sorted({item.path for item in items}))}
    others = [item for item in items if modules[item.path] % shares != share]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if modules[item.path] % shares == share]
    for item in items:
        place = item.path.relative_to(TESTS)
        if place.parts[0] in ROOMS:
            item.add_marker(ROOMS[place.parts[0]])
        if place.as_posix() in SLOW:
            item.add_marker(pytest.mark.slow)
        for fixture in FIXTURES.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(FIXTURES[fixture])
        for marker in list(item.iter_markers("truth")):
            for name in marker.args:
                if reason := absent(name):
                    # Evaluated before the skip of an empty set of parameters, which says nothing.
                    item.add_marker(pytest.mark.skipif(True, reason=reason))


@pytest.fixture(scope="session")
def real_captures() -> Path:
    """Recordings of the real stack, with ground truth."""
    return SHARED / "real-captures"


@pytest.fixture(scope="session")
def public_captures() -> Path:
    """Captures of public test suites, well-formed and hostile."""
    return SHARED / "public-captures"
