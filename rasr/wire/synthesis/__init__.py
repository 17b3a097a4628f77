"""Speech synthesis of SIS: the fields of its requests, and the conversation of real-time synthesis.

Errors, commands and their JSON are those of `rasr.wire.sis`.
"""
