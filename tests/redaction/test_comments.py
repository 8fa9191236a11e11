"""Of a packet's comments stay those that this program wrote, without keys."""

from __future__ import annotations

from inspector.credentials.masking import Masker
from inspector.exchanges.processes import SocketOwner, comment, parse
from inspector.model.network import Endpoint, Process
from inspector.redaction.comments import own_comments

KEY = "sk-ant-api03-LABONLY" + 73 * "k" + "AA"


def claim(comm: str) -> SocketOwner:
    client, server = Endpoint("172.30.0.20", 40000), Endpoint("172.30.0.30", 10001)
    return SocketOwner(client, server, "client", 7, Process(pid=9, comm=comm, netns=4))


def test_a_strangers_words_go_and_our_own_stay() -> None:
    ours = comment(claim("claude"))
    assert own_comments(["seen by hand", ours, ours[:-1]], Masker(bytes(32))) == [ours]


def test_a_key_in_a_programs_name_is_masked() -> None:
    [said] = own_comments([comment(claim(KEY))], Masker(bytes(32)))
    assert "LABONLY" not in said
    told = parse(said)
    assert told is not None
    assert told.process.pid == 9
