"""Where settings come from: defaults < TOML file < environment < flags."""

from rasr.configuration.layers import (
    Configuration,
    ConfigurationError,
    Layer,
    Origin,
    load,
)

__all__ = ["Configuration", "ConfigurationError", "Layer", "Origin", "load"]
