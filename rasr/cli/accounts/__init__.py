"""`rasr projects | users | groups | keys | policies | vocabularies | store`: accounts, hot words,
and where both are kept."""
