"""Voices of sherpa-onnx: VITS (MeloTTS, Piper and others), Matcha, Kokoro, KittenTTS, ZipVoice,
Pocket TTS, Supertonic.

What is where: `families` what is known of each family; `model` finds out what a folder holds, from
names and metadata, and `in_parts` where it is several graphs; `prompt` reads the recording that is
imitated; `words` makes tokens of words where that is ours to do; `library` makes
sherpa-onnx's object, and alone imports it; `trial` does all of that in a child process first,
because the library ends its process on some bad files, where nobody has done it before; `engine`
speaks.
"""

from rasr.synthesis.engines.sherpa.engine import SherpaVoiceEngine
from rasr.synthesis.engines.sherpa.trial import try_voices

__all__ = ["SherpaVoiceEngine", "try_voices"]
