"""Recordings whose words and word times are known, for tests and benchmarks."""
