"""Wire formats: one package for each dialect, pure, above the neutral recognition."""
