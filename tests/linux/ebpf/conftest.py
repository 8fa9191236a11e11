"""Programs in the kernel for tests: skipped, with the reason, where it takes none."""

from __future__ import annotations

import pytest

from inspector.linux.ebpf import probes
from tests.lab.conftest import lab_possible, network

__all__ = ["bpf_possible", "lab_possible", "network"]


@pytest.fixture(scope="session")
def bpf_possible(lab_possible: None) -> None:
    """Skips where eBPF programs cannot be loaded, naming what is missing."""
    for probe in probes.available():
        if probe.answer == "no":
            pytest.skip(f"no {probe.name}: {probe.remedy} (Linux {probe.kernel})")
