"""Keras layers that a saved model contains.

- `constants`: Constants that exported models use as well, without TensorFlow.
- `names`: Names that several layers share.
- `numbers`: Numbers and time stamps as bounded features.
- `quantiles`: Numbers as normal quantiles of their ranks, and bins.
- `periodic`: Periodic features of numbers, a learned input scale, and a selection of inputs.
- `words`: Categories as one-hot vectors or codes, and hashed words of short texts.
- `terms`: Texts as weighted terms, and as sequences of words.
- `steps`: Sequences: standardized steps, and masked means.
- `convolutions`: Sequences: random convolutions in NumPy.
- `minirocket`: Sequences: the random convolutional features of MiniRocket.
- `pixels`: Images: standardized pixels, shifts and mirror images.
- `dropout`: Dropout with a rate per trial.
- `output`: Output of a saved model: probabilities, or values in the target's unit.
"""
