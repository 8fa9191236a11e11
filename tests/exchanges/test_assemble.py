"""Every fact of the report is made once, whoever asks for it and however often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from inspector.cli.main import main
from inspector.exchanges import assemble

CAPTURES = Path(__file__).parents[2] / "captures"


def counted(monkeypatch: pytest.MonkeyPatch, name: str) -> Counter[str]:
    """How often the facts that `assemble.name` makes were made, by their name in the report."""
    made: Counter[str] = Counter()
    make: Callable[..., Any] = getattr(assemble, name)

    def counting(*arguments: Any) -> Any:
        fact = make(*arguments)
        made[fact.id] += 1
        return fact

    for room in ("inspector.exchanges.assemble", "inspector.inspection"):
        monkeypatch.setattr(f"{room}.{name}", counting)
    return made


@pytest.mark.parametrize("form", ["terminal", "json"])
def test_each_exchange_and_tunnel_is_made_once_for_page_files_and_verdict(
    form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    exchanges = counted(monkeypatch, "exchange_fact")
    tunnels = counted(monkeypatch, "tunnel_fact")
    asked = ["analyze", "--format", form, "-o", str(tmp_path / "out"), "--fail-on", "error"]

    result = CliRunner().invoke(main, [*asked, str(CAPTURES / "parallel-20")])

    assert result.exit_code in (0, 3, 5), result.output
    assert len(exchanges) >= 20
    assert len(tunnels) >= 20
    assert set(exchanges.values()) == {1}
    assert set(tunnels.values()) == {1}
