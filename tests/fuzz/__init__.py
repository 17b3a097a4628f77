"""Fuzzers of everything that reads what strangers send, one module a parser.

The suite runs some examples of each, always the same ones. `python -m bench fuzz` runs them for as
long as it is told, with new ones each time.
"""
