"""Whisper by CTranslate2: any of a hundred languages, each utterance read whole.

What is where: `options` what can be set; `folder` looks at a model's files before they are loaded;
`model` the calls of faster-whisper and CTranslate2, and nothing else of theirs; `prompt` makes a
prompt of hot words and context; `decoded` is a reading before it has words; `guards` tells readings
that nobody said; `words` makes timed words of tokens; `engine` puts them together.

The packages `faster_whisper` and `opencc` are imported in `model` alone, and so only where this
engine is asked for (`decoder.registry`).
"""
