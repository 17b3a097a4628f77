"""`rasr projects | users | groups | keys | policies | store`: accounts and where they are kept.

What is imported here is light; the store itself is imported by the command that opens it.
"""

from rasr.cli.accounts.groups import groups
from rasr.cli.accounts.keys import keys
from rasr.cli.accounts.policies import policies
from rasr.cli.accounts.projects import projects
from rasr.cli.accounts.store import store
from rasr.cli.accounts.users import users

COMMANDS = (projects, users, groups, keys, policies, store)
"""All of them."""
