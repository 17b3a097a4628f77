"""Who may come in: the one place that asks, for HTTP and for websockets alike."""
