"""Stands in for `websocat` 1 where the documents use it: the few options that they give it.

Lines of standard input are text messages; with --binary-prefix those that begin with it are binary
ones, of what follows it, in Base64 where --base64 says so. Answers are lines of standard output.
The true one goes on until the server closes the connection; this one ends with the server's END, as
a person would with Ctrl-C.
"""

from __future__ import annotations

import argparse
import base64
import json
import sys

from websockets.sync.client import connect


def main() -> None:
    """Send standard input, print what comes back."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", "--no-close", action="store_true", required=True)
    parser.add_argument("--base64", action="store_true")
    parser.add_argument("--binary-prefix", required=True)
    parser.add_argument("url")
    options = parser.parse_args()
    with connect(options.url, proxy=None) as socket:
        for line in sys.stdin.read().splitlines():
            if line.startswith(options.binary_prefix):
                rest = line.removeprefix(options.binary_prefix)
                socket.send(base64.b64decode(rest) if options.base64 else rest.encode())
            else:
                socket.send(line)
        for message in socket:
            assert isinstance(message, str)
            sys.stdout.write(f"{message}\n")
            if json.loads(message)["resp_type"] == "END":
                break


if __name__ == "__main__":
    main()
