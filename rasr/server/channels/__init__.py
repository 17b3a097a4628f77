"""Channels of captions where several servers are one: each is seen at all of them."""
