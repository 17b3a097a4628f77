"""Speech models: the catalogue, the folder they are kept in, fetching, and what they serve."""
