"""Why a server does not start."""


class StartError(Exception):
    """The server cannot start as it is told to; the text says what to change."""
