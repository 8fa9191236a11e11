"""The lab's bridge for every test of live capture."""

from tests.lab.conftest import lab_possible, network

__all__ = ["lab_possible", "network"]
