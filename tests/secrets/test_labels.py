"""What stands for text that is not shown."""

from __future__ import annotations

import re

from inspector.credentials.kinds import LABEL as CREDENTIAL
from inspector.credentials.kinds import names_a_key
from inspector.secrets.labels import label, length


def test_a_label_says_how_long_the_text_is_and_tells_equal_ones() -> None:
    shown = label("LABONLY\xe9", b"key")
    assert re.fullmatch(r"<8 bytes [0-9a-f]{12}>", shown)
    assert shown == label("LABONLY\xe9", b"key") != label("LABONLY\xe8", b"key")
    assert shown != label("LABONLY\xe9", b"other")


def test_it_is_not_taken_for_a_credential() -> None:
    shown = label("LABONLY", b"key")
    assert not re.search(CREDENTIAL, shown)
    assert not names_a_key(shown)


def test_the_length_of_a_shown_text_is_that_of_what_it_stands_for() -> None:
    shown = f"/v1/{label('LABONLYqwerty', b'key')}/{label('abcd', b'key')}"
    assert length(shown) == len("/v1/LABONLYqwerty/abcd")
    assert length("plain <words>") == len("plain <words>")
