"""One connection's rules (machine, round, results) and the driver that carries them out."""
