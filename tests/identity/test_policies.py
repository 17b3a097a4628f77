"""Policies: what they say, what is refused in them, and who wins."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rasr.identity.directory import Directory
from rasr.identity.policies import (
    FULL_ACCESS,
    READ_ONLY,
    SYSTEM_POLICIES,
    Effect,
    Policy,
    PolicyError,
    PolicyGrant,
    Statement,
    decide,
)
from tests.identity.memory_directory import MemoryDirectory

PROJECT = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
NOW = 1_767_323_045.0


def test_memory_directory_is_a_directory() -> None:
    directory: Directory = MemoryDirectory()
    assert directory is not None


def policy(effect: str, *actions: str) -> Policy:
    return Policy.parse(
        {"Version": "1.1", "Statement": [{"Effect": effect, "Action": list(actions)}]}
    )


def test_what_nothing_names_is_denied() -> None:
    decision = decide([], PROJECT, "sis:rasr:stream", NOW)
    assert not decision.is_allowed
    assert decision.sentence == "sis:rasr:stream is denied: no statement names it"


def test_an_allow_is_told_with_its_statement() -> None:
    both = Policy(
        (
            Statement(Effect.ALLOW, ("sis:tts:*",)),
            Statement(Effect.ALLOW, ("sis:asr:*", "sis:rasr:*")),
        )
    )
    grants = [PolicyGrant("speech", both, PROJECT, group_name="callers")]
    decision = decide(grants, PROJECT, "sis:rasr:stream", NOW)
    assert decision.is_allowed
    assert (decision.statement, decision.pattern) == (1, "sis:rasr:*")
    assert decision.sentence == (
        "sis:rasr:stream is allowed by statement 1 (sis:rasr:*) of policy speech (by group "
        f"callers, in project {PROJECT})"
    )


@pytest.mark.parametrize("order", [1, -1])
def test_deny_wins_in_any_order(order: int) -> None:
    grants = [
        PolicyGrant("all", policy("Allow", "*"), group_name="callers"),
        PolicyGrant("no speech", policy("Deny", "sis:rasr:*")),
    ][::order]
    denied = decide(grants, PROJECT, "sis:rasr:stream", NOW)
    assert not denied.is_allowed
    assert denied.sentence == (
        "sis:rasr:stream is denied by statement 0 (sis:rasr:*) of policy no speech (the user's "
        "own, in all projects)"
    )
    assert decide(grants, PROJECT, "sis:tts:synthesize", NOW).is_allowed


def test_a_policy_of_another_project_does_not_count() -> None:
    grants = [PolicyGrant("all", policy("Allow", "*"), OTHER)]
    assert not decide(grants, PROJECT, "sis:rasr:stream", NOW).is_allowed
    assert decide(grants, OTHER, "sis:rasr:stream", NOW).is_allowed


def test_a_policy_expires_at_its_second() -> None:
    grants = [PolicyGrant("visitors", policy("Allow", "*"), expires_at=NOW)]
    assert decide(grants, PROJECT, "sis:rasr:stream", NOW - 0.001).is_allowed
    late = decide(grants, PROJECT, "sis:rasr:stream", NOW)
    assert not late.is_allowed
    assert "expired: visitors" in late.sentence


def test_an_expired_deny_denies_no_more() -> None:
    grants = [
        PolicyGrant("all", policy("Allow", "*")),
        PolicyGrant("pause", policy("Deny", "*"), expires_at=NOW),
    ]
    assert decide(grants, PROJECT, "sis:rasr:stream", NOW).is_allowed


@pytest.mark.parametrize(
    ("action", "reads"),
    [
        ("sis:vocabulary:get", True),
        ("sis:vocabulary:list", True),
        ("sis:asr:get", True),
        ("sis:vocabulary:create", False),
        ("sis:vocabulary:delete", False),
        ("sis:rasr:stream", False),
        ("iam:token:get", False),
        ("iam:key:list", True),
        ("iam:key:create", False),
    ],
)
def test_the_read_only_role(action: str, reads: bool) -> None:
    grants = [PolicyGrant(READ_ONLY, SYSTEM_POLICIES[READ_ONLY])]
    assert decide(grants, PROJECT, action, NOW).is_allowed is reads


def test_full_access_is_of_this_service_and_of_ones_own_keys() -> None:
    grants = [PolicyGrant(FULL_ACCESS, SYSTEM_POLICIES[FULL_ACCESS])]
    assert decide(grants, PROJECT, "sis:vocabulary:delete", NOW).is_allowed
    assert decide(grants, PROJECT, "iam:key:create", NOW).is_allowed
    assert not decide(grants, PROJECT, "iam:users:create", NOW).is_allowed


@given(
    st.lists(st.sampled_from(["*", "a", "b", ":", "ab"]), max_size=8).map("".join),
    st.text("ab:", max_size=8),
)
def test_a_star_is_any_letters(pattern: str, action: str) -> None:
    wanted = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), action) is not None
    found = Statement(Effect.ALLOW, (pattern,)).names(action)
    assert (found is not None) is wanted


def test_many_stars_cost_nothing() -> None:
    statement = Statement(Effect.ALLOW, ("*a" * 60 + "b",))
    assert statement.names("a" * 100_000) is None


@pytest.mark.parametrize("name", SYSTEM_POLICIES)
def test_a_policy_is_read_back(name: str) -> None:
    known = SYSTEM_POLICIES[name]
    assert Policy.parse(json.loads(json.dumps(known.document()))) == known


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (None, "the policy: None; needed: an object"),
        ([], "the policy: []"),
        ({}, 'Version: None; allowed: "1.1"'),
        ({"Version": "1.1"}, "Statement: None"),
        ({"Version": "1.1", "Statement": []}, "needed: a list of 1 to 64"),
        ({"Version": "1.1", "Statement": [7]}, "Statement.0: 7; needed: an object"),
        (
            {"Version": "1.1", "Statement": [{"Effect": "allow", "Action": ["*"]}]},
            'Statement.0.Effect: \'allow\'; allowed: "Allow", "Deny"',
        ),
        (
            {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": "*"}]},
            "Statement.0.Action: '*'; needed: a list",
        ),
        (
            {"Version": "1.1", "Statement": [{"Effect": "Allow", "Action": ["sis:rasr:x y"]}]},
            "Statement.0.Action.0: 'sis:rasr:x y'",
        ),
        (
            {
                "Version": "1.1",
                "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["a"]}],
            },
            "'Resource' is not known; allowed: Action, Effect",
        ),
        (
            {
                "Version": "1.1",
                "Statement": [{"Effect": "Allow", "Action": ["*"], "Condition": {}}],
            },
            "'Condition' is not known",
        ),
    ],
)
def test_what_is_no_policy_is_refused(document: object, told: str) -> None:
    with pytest.raises(PolicyError, match=re.escape(told)):
        Policy.parse(document)
