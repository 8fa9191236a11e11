"""credential-malformed: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import CALL, PROXY_SAYS, called, cause, found
from tests.exchanges.network import request, response


@pytest.mark.parametrize("value", ["'sk-ant-placeholder'", "Bearer Bearer placeholder", ""])
def test_a_credential_that_the_api_proxys_parser_refuses_is_malformed(value: str) -> None:
    call = request("POST /v1/messages HTTP/1.1", f"Authorization: {value}")
    refusal = response("400 Bad Request", *PROXY_SAYS)
    refused, taken = called(call, refusal), called(call, response())

    assert cause(refused).code == "credential-malformed"
    assert found(taken)["credential-malformed"].severity == "note"
    assert "credential-malformed" not in found(called(CALL, refusal))
