"""An ASGI server: HTTP/1.1 and websockets, with a bound on everything that a peer can ask for.

h11 reads and writes HTTP, the websockets package frames; here are the bytes between a socket and
them, the limits, and the calls of the application. It knows nothing of speech.
docs/adr/0017 says why it is not another server.
"""

from rasr.asgi.extensions import ABORT, GONE, SHALLOW
from rasr.asgi.limits import Limits
from rasr.asgi.server import Server

__all__ = ["ABORT", "GONE", "SHALLOW", "Limits", "Server"]
