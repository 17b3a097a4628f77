"""For whoever runs the server: health, numbers, sessions, capacity."""
