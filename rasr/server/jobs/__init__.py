"""Jobs on recording files, which outlive whatever happens to a server."""
