"""The steps, in the order that they name each other in."""
