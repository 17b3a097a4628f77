"""From a written text to pieces of words as they are said. Pure."""
