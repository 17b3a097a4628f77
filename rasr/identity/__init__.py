"""Who calls and what he may: credentials, policies, and the memory that guards them. No I/O, no
clock: time is an argument, in seconds since 1970 in UTC.
"""
