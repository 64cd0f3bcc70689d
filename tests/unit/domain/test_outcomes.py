"""Refusals as people read them."""

from __future__ import annotations

from coulisse.domain.outcomes import Rejected, rejected_from_wire


def test_the_code_is_said_once_whether_or_not_the_words_begin_with_it() -> None:
    code, words = "NOT_LOGGED_ON", "the operation needs a logon first"
    for message in (words, f"{code}: {words}"):
        read = rejected_from_wire({"code": code, "message": message, "state": "not_sent"})
        assert read == Rejected(code, words, "not_sent")
        assert str(read) == f"{code}: {words}"
        assert read.to_wire()["message"] == words
