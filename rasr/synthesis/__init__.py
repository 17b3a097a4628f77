"""Speech synthesis: texts to sound, by engines in worker processes of their own.

Nothing is imported here: the catalogue of models asks who speaks, and needs nothing that does.
"""
