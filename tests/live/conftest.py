"""Labs for the tests of live captures."""

from tests.lab.conftest import lab_possible

__all__ = ["lab_possible"]
