"""The event loop's side of recognition: runner, connection, statistics. It speaks no dialect."""
