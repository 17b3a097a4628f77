"""Training of what the project ships: the small Mandarin model, and rules of pronunciation."""
