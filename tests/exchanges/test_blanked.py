from __future__ import annotations

import pytest

from inspector.exchanges.blanked import is_mask


@pytest.mark.parametrize(
    ("pieces", "is_blank"),
    [
        ([], True),
        ([b"x" * 100], True),
        ([b"x" * 20, b"ERR_ACCESS_DENIED"], True),
        ([b'{"id": 1}'], False),
        ([b"x" * 16 + b"{"], False),
        ([b"x" * 15 + b"{"], False),
        ([b"x" * 20, b"xx y"], False),
    ],
)
def test_a_body_is_blank_if_all_of_it_is(pieces: list[bytes], is_blank: bool) -> None:
    assert is_mask([(0, 1, piece) for piece in pieces]) is is_blank
