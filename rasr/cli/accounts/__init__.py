"""`rasr projects | users | groups | keys | policies | store`: accounts and where they are kept."""
