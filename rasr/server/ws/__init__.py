"""Websockets: what the ASGI server gives and takes."""
