"""Speech recognition without wire format, socket, loop or clock: audio in, events out."""
