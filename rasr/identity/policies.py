"""Policies as IAM writes them, and what they decide.

A policy is a list of statements, each of which allows or denies actions by their names, such as
`sis:rasr:stream`, with `*` for any letters. What nothing allows is denied; a statement that denies
wins over every one that allows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_VERSION = "1.1"
_ACTION = re.compile(r"[A-Za-z*][A-Za-z0-9*]*(:[A-Za-z*][A-Za-z0-9*]*){0,2}")
_MOST_STATEMENTS = 64
_MOST_ACTIONS = 128
_LONGEST_ACTION = 128


class PolicyError(ValueError):
    """A policy is not written as it must be; the text says where, what came and what is allowed."""


class Effect(StrEnum):
    """What a statement does to the actions that it names."""

    ALLOW = "Allow"
    DENY = "Deny"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    effect: Effect
    actions: tuple[str, ...]

    def names(self, action: str) -> str | None:
        """The first of its patterns that is of this action; None where none is."""
        return next((one for one in self.actions if _matches(one, action)), None)


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy."""

    statements: tuple[Statement, ...]

    @classmethod
    def parse(cls, document: object) -> Policy:
        """Read a policy from what JSON has of it.

        Raises:
            PolicyError: it is none.
        """
        whole = _table("the policy", document, {"Version", "Statement"})
        version = whole.get("Version")
        if version != _VERSION:
            raise PolicyError(f'Version: {_shown(version)}; allowed: "{_VERSION}"')
        statements = whole.get("Statement")
        if not isinstance(statements, list) or not 1 <= len(statements) <= _MOST_STATEMENTS:
            raise PolicyError(
                f"Statement: {_shown(statements)}; needed: a list of 1 to {_MOST_STATEMENTS}"
            )
        return cls(
            tuple(_statement(f"Statement.{number}", one) for number, one in enumerate(statements))
        )

    def document(self) -> dict[str, Any]:
        """The policy as JSON has it; `parse` reads it back."""
        return {
            "Version": _VERSION,
            "Statement": [
                {"Effect": one.effect.value, "Action": list(one.actions)} for one in self.statements
            ],
        }


FULL_ACCESS = "SIS FullAccess"
READ_ONLY = "SIS ReadOnlyAccess"
SYSTEM_POLICIES: Mapping[str, Policy] = {
    FULL_ACCESS: Policy((Statement(Effect.ALLOW, ("sis:*:*", "iam:key:*")),)),
    READ_ONLY: Policy((Statement(Effect.ALLOW, ("sis:*:get", "sis:*:list", "iam:key:list")),)),
}
"""Policies that every server has, by their names. The keys that they speak of are a user's own:
nobody has a right to those of others."""


@dataclass(frozen=True, slots=True)
class PolicyGrant:
    """A policy that applies to a user: his own, or by a group that he is in."""

    policy_name: str
    policy: Policy
    project_id: str | None = None
    """The project in which it applies; None: in all."""
    group_name: str | None = None
    """The group that he has it by; None: it is his own."""
    expires_at: float | None = None
    """From then on it applies no more; None: it does not expire."""

    def applies(self, project_id: str, now: float) -> bool:
        """True if it counts in this project at this time."""
        in_project = self.project_id is None or self.project_id == project_id
        return in_project and not self.is_over(now)

    def is_over(self, now: float) -> bool:
        """True if it applies no more."""
        return self.expires_at is not None and now >= self.expires_at


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an action is allowed, and what decided it."""

    action: str
    is_allowed: bool
    grant: PolicyGrant | None = None
    """Whose statement decided; None where no statement names the action."""
    statement: int | None = None
    """Its number in the policy, from 0."""
    pattern: str | None = None
    """Its pattern that fits the action."""
    expired: tuple[str, ...] = ()
    """Names of policies that would name the action if they had not expired."""

    @property
    def sentence(self) -> str:
        """The decision for a person."""
        verdict = "allowed" if self.is_allowed else "denied"
        if self.grant is None:
            text = f"{self.action} is {verdict}: no statement names it"
            if self.expired:
                text += f"; expired: {', '.join(self.expired)}"
            return text
        source = (
            "the user's own"
            if self.grant.group_name is None
            else f"by group {self.grant.group_name}"
        )
        where = (
            "in all projects"
            if self.grant.project_id is None
            else f"in project {self.grant.project_id}"
        )
        return (
            f"{self.action} is {verdict} by statement {self.statement} ({self.pattern}) of policy "
            f"{self.grant.policy_name} ({source}, {where})"
        )


def decide(grants: Iterable[PolicyGrant], project_id: str, action: str, now: float) -> Decision:
    """Whether these policies allow an action in a project, and which statement decided.

    Denied wins over allowed; among equals the first one is told.
    """
    allowed: Decision | None = None
    expired: list[str] = []
    for grant in grants:
        for number, statement in enumerate(grant.policy.statements):
            pattern = statement.names(action)
            if pattern is None:
                continue
            if not grant.applies(project_id, now):
                if grant.is_over(now):
                    expired.append(grant.policy_name)
                continue
            is_allowed = statement.effect is Effect.ALLOW
            decision = Decision(action, is_allowed, grant, number, pattern)
            if not is_allowed:
                return decision
            allowed = allowed or decision
    return allowed or Decision(action, False, expired=tuple(dict.fromkeys(expired)))


def _matches(pattern: str, action: str) -> bool:
    # Without regular expressions: a pattern of many stars would take one for ever.
    first, *rest = pattern.lower().split("*")
    text = action.lower()
    if not rest:
        return text == first
    *middle, last = rest
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        place = text.find(part, place, end)
        if place < 0:
            return False
        place += len(part)
    return True


def _statement(place: str, document: object) -> Statement:
    statement = _table(place, document, {"Effect", "Action"})
    effect = statement.get("Effect")
    if effect not in (Effect.ALLOW.value, Effect.DENY.value):
        raise PolicyError(f'{place}.Effect: {_shown(effect)}; allowed: "Allow", "Deny"')
    actions = statement.get("Action")
    if not isinstance(actions, list) or not 1 <= len(actions) <= _MOST_ACTIONS:
        raise PolicyError(
            f"{place}.Action: {_shown(actions)}; needed: a list of 1 to {_MOST_ACTIONS}"
        )
    for number, action in enumerate(actions):
        if (
            not isinstance(action, str)
            or len(action) > _LONGEST_ACTION
            or not _ACTION.fullmatch(action)
        ):
            raise PolicyError(
                f"{place}.Action.{number}: {_shown(action)}; needed: the name of an action such as "
                f"sis:rasr:stream, with * for any letters, of {_LONGEST_ACTION} at most"
            )
    return Statement(Effect(effect), tuple(actions))


def _table(place: str, document: object, keys: set[str]) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise PolicyError(f"{place}: {_shown(document)}; needed: an object")
    for key in document:
        if key not in keys:
            # Resource and Condition would narrow a statement; without them it says another thing.
            raise PolicyError(
                f"{place}: {_shown(key)} is not known; allowed: {', '.join(sorted(keys))}"
            )
    return document


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
