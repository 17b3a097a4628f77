"""How the tables came to be what they are, step by step. Each step is a module of `versions`.

A step that was released is never changed. To change the tables: change `rasr.store.schema`, add a
module that goes on from the last one, and put a file of the version before it into the tests.
"""
