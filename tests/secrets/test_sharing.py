"""The report and the redacted copy know the same keys: what one learns the other hides."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest

from inspector.artifacts import redacted, write_artifacts
from inspector.capture_files import inspect_captures
from inspector.credentials import CredentialReader
from inspector.credentials.masking import Masker
from inspector.redaction import Copies
from inspector.secrets.vault import Vault
from tests.flows.build import Tcp
from tests.redaction.test_audit import OK, asked, saved

KEY = "a-word-like-no-other-LABONLY"


@pytest.fixture
def vault() -> Vault:
    return Vault(b"made up for tests")


def test_what_the_report_learns_the_copy_hides(vault: Vault) -> None:
    CredentialReader(b"k", extra_headers=["X-Corp"], vault=vault).auth([(b"X-Corp", KEY.encode())])
    masked = Masker(b"m", vault=vault).text(f"no such key: {KEY}")
    assert masked.startswith("no such key: ")
    assert "LABONLY" not in masked


def test_what_the_copy_learns_the_report_hides(vault: Vault) -> None:
    Masker(b"m", ["X-Corp"], vault=vault).field("X-Corp", " " + KEY)
    assert "LABONLY" not in CredentialReader(b"k", vault=vault).scrub(f"no such key: {KEY}")


def test_the_capture_beside_a_report_is_written_with_its_vault(tmp_path: Path) -> None:
    tcp = Tcp().open().up(asked(key=KEY.encode())).down(OK).close()
    source = saved(tmp_path, tcp.wire.packets)
    copies = Copies(BytesIO)
    report = inspect_captures([source], copies=copies)
    vault = copies.redactor.masker.vault
    assert vault.finds(KEY.encode())
    write_artifacts(report, tmp_path / "left", captures=redacted(copies)).complain()
    left = (tmp_path / "left" / "capture.redacted.pcapng").read_bytes()
    assert b"LABONLY" not in left
    assert b"Redacted by inspector; audited against its source, 0 places blanked. " in left


def test_what_the_report_alone_learnt_stands_in_no_copy_beside_it(tmp_path: Path) -> None:
    """A key of words, quoted by an error before anyone sends it."""
    key = b"the request is not valid"
    body = b'{"type":"error","error":{"type":"authentication_error","message":"%s"}}' % key
    refused = b"HTTP/1.1 401 No\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    tcp = Tcp().open().up(b"GET /v1/models HTTP/1.1\r\nHost: lab.test\r\n\r\n")
    tcp.down(refused % len(body) + body).up(asked(key=key)).down(OK).close()
    source = saved(tmp_path, tcp.wire.packets)
    copies = Copies(BytesIO)
    inspect_captures([source], copies=copies)
    out = BytesIO()
    copies.leave(0, out)
    assert key not in out.getvalue()
    assert b"; audited against its source, 1 place blanked." in out.getvalue()
