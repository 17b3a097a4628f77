"""PocketSphinx behind the engine interface: the default, because its package carries a model.

The library is imported only where an engine is made (`decoder.registry`).
"""
