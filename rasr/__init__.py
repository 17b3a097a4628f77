"""A real-time speech recognition server, wire-compatible with Huawei Cloud SIS."""
