"""Measurements of a running server, each a verb: `python -m bench VERB --help`."""
