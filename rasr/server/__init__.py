"""The server: the only room that builds things, and the one that starts and stops them."""
