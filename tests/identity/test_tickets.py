"""Tickets: one use, one minute, a bound; tokens and passwords beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rasr.identity.passwords import LONGEST_PASSWORD, hash_password, verify_password
from rasr.identity.principals import CredentialKind, Principal
from rasr.identity.tickets import TICKET_LIFE_S, Tickets
from rasr.identity.tokens import digest, has_form, new_token

WHO = Principal("u1", "alice", "default", "0" * 32, CredentialKind.KEY, "AK")


def test_a_ticket_is_used_once() -> None:
    tickets = Tickets()
    ticket = tickets.issue(WHO, 0.0)
    assert ticket is not None
    assert tickets.redeem(ticket, 1.0) == WHO
    assert tickets.redeem(ticket, 1.0) is None
    assert len(tickets) == 0


def test_a_ticket_lives_a_minute() -> None:
    tickets = Tickets()
    first, second = tickets.issue(WHO, 0.0), tickets.issue(WHO, 0.0)
    assert first is not None
    assert second is not None
    assert tickets.redeem(first, TICKET_LIFE_S - 0.001) == WHO
    assert tickets.redeem(second, TICKET_LIFE_S) is None
    assert len(tickets) == 0


@pytest.mark.parametrize("text", ["", "a", "a" * 43, "é" * 43, "a" * 10_000])
def test_what_is_no_ticket_is_nobodys(text: str) -> None:
    assert Tickets().redeem(text, 0.0) is None


def test_tickets_have_a_bound_for_each_credential_and_for_all() -> None:
    tickets = Tickets(most=5, most_of_a_credential=2)
    others = [replace(WHO, credential=str(number)) for number in range(4)]
    assert [tickets.issue(WHO, 0.0) is None for _ in range(3)] == [False, False, True]
    assert [tickets.issue(one, 0.0) is None for one in others] == [False, False, False, True]
    assert tickets.issue(WHO, TICKET_LIFE_S) is not None


def test_tokens_are_of_one_form_and_kept_as_digests() -> None:
    token, other = new_token(), new_token()
    assert token != other
    assert has_form(token)
    assert not has_form(token + "a")
    assert token not in digest(token)
    assert len(digest("\udcff")) == 64


def test_a_password_is_that_of_its_hash_alone() -> None:
    hashed = hash_password("correct horse")
    assert "correct" not in hashed
    assert verify_password(hashed, "correct horse")
    assert not verify_password(hashed, "correct horsf")
    assert not verify_password(None, "nobody's")
    assert not verify_password("no hash", "a")
    assert not verify_password(hashed, "a" * (LONGEST_PASSWORD + 1))


@pytest.mark.parametrize("password", ["", "a" * (LONGEST_PASSWORD + 1)])
def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(ValueError, match="1 to 1024"):
        hash_password(password)
