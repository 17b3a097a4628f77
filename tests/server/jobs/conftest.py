"""Jobs, the command line that asks for them, and databases that they are in."""

from tests.cli.conftest import rasr
from tests.store.conftest import postgres_settings, template

__all__ = ["postgres_settings", "rasr", "template"]
