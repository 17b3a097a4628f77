"""Pages, files and captions over HTTP."""
