"""Generated conversations with a server, and an oracle that judges what the server answered.

`script` draws a conversation from a seed, `player` holds it over a real websocket, and `oracle`
compares what came back with what the SIS protocol promises. `verb` holds thousands of them with a
server of its own; the test suite holds others with a server in its process.
"""
