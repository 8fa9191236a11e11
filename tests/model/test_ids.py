"""Names of things: a letter and a number, made and taken apart in one module."""

from __future__ import annotations

import re
from pathlib import Path

from inspector.model import ids

PACKAGE = Path(__file__).parents[2] / "inspector"


def test_each_kind_of_name_fits_its_pattern_and_no_other() -> None:
    names = {
        ids.ConnectionId: ids.connection_id(1),
        ids.ExchangeId: ids.exchange_id(20),
        ids.TunnelId: ids.tunnel_id(3),
        ids.DirectTlsId: ids.direct_tls_id(4),
        ids.ChainId: ids.chain_id(100),
    }

    for kind in ids.LETTERS:
        pattern = ids.pattern_of(kind)
        assert pattern is not None
        assert [other for other, name in names.items() if re.fullmatch(pattern, name)] == [kind]
    assert ids.pattern_of(str) is None
    assert ids.number_of(names[ids.ExchangeId]) == 20


def test_no_other_module_takes_a_name_apart_or_puts_one_together() -> None:
    by_hand = re.compile(r'int\([\w.]+\[1:\]\)|f"[cethd]\{')

    assert [
        str(path.relative_to(PACKAGE))
        for path in sorted(PACKAGE.rglob("*.py"))
        if by_hand.search(path.read_text(encoding="utf-8"))
    ] == ["model/ids.py"]
