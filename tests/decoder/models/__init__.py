"""Tiny ONNX models, one for each layout that sherpa-onnx decodes, made in milliseconds.

They know no speech, but they are no noise either: what they say follows from the audio. Each
output frame looks at its own four feature frames. Where these are about as quiet as digital
silence the model says blank; else it says the token that a random projection of the spectrum,
and a little of the model's state, points to. So lost audio, mixed streams, a state that is not
handed on, and a last frame that is never decoded show in the tokens.
"""
