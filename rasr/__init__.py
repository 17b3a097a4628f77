"""A real-time speech recognition server, wire-compatible with Huawei Cloud SIS."""

__version__ = "0.1.0"
