"""Recordings from elsewhere: which URLs may be asked, fetching them, the files meanwhile, buckets.

Answers that are sent to callback URLs are here too: they are bound by the same rules.
"""
