"""Servers whose accounts are in a store, as those of everybody are."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from rasr.identity.passwords import hash_password
from rasr.identity.policies import FULL_ACCESS, READ_ONLY, Policy
from rasr.server.service import Service
from rasr.settings import Settings
from rasr.store.on_demand import DirectoryOnDemand, StoreOnDemand
from tests.server.conftest import fake_settings

PASSWORD = "correct horse battery"
TICKETS_ALONE = "tickets alone"
USERS = {"anna": FULL_ACCESS, "otto": FULL_ACCESS, "rita": READ_ONLY, "tom": TICKETS_ALONE}
"""Name → the policy that applies to him in the project `team`; all have the same password."""
_POLICY = {
    "Version": "1.1",
    "Statement": [{"Effect": "Allow", "Action": ["sis:ticket:create"]}],
}


@dataclass
class StoredAccounts:
    """A store with users, and what they are called there."""

    settings: Settings
    store: StoreOnDemand
    projects: dict[str, str] = field(default_factory=dict)
    """Name → id."""
    users: dict[str, str] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name of the user → access id and secret of a key of his."""

    @property
    def project(self) -> str:
        return self.projects["team"]

    def service(self) -> Service:
        """A server with these accounts. It closes the store; another one opens it anew."""
        return Service(self.settings, DirectoryOnDemand(self.store), self.store)


async def stored_accounts(folder: Path, **sections: dict[str, object]) -> StoredAccounts:
    """Two projects, `team` and `rest`; users as above, who have each a key for `team`."""
    settings = fake_settings(**sections | {"store": {"url": f"sqlite:///{folder}/store/store.db"}})
    made = StoredAccounts(settings, StoreOnDemand(settings.store, {}))
    now = time.time()
    store = await made.store.kept()
    async with store.writing() as work:
        for name in ("team", "rest"):
            project = await work.projects.create("default", name, "", now)
            made.projects[name] = project.id
        team = await work.projects.get("default", "team")
        await work.policies.create(TICKETS_ALONE, Policy.parse(_POLICY), "", now)
        for name, policy in USERS.items():
            user = await work.users.create("default", name, "", now, hash_password(PASSWORD))
            made.users[name] = user.id
            await work.policies.attach(await work.policies.get(policy), user, team, now)
            key, secret = await work.keys.create(user, team, f"key of {name}", now)
            made.keys[name] = key.id, secret
    return made
