"""Servers of others: how each is spoken to, and how those that can be are started.

A file for each. An adapter is a `bench.wires.Wire`, and where the server is a program that we can
have, a context manager that runs it with the model that is measured.
"""
