"""Moonshine, an offline model for one language, run on onnxruntime.

The graphs and the tokens are read from a folder. The decoding loop is our own: it takes up an
earlier reading as a draft, prefers hot words, knows how probable each token was, and notices when
the model repeats itself.
"""

from decoder.moonshine.engine import MoonshineEngine
from decoder.moonshine.options import MoonshineOptions

__all__ = ["MoonshineEngine", "MoonshineOptions"]
