"""Choices of a bundle as Keras objects: metric, loss, initializer, optimizer, activation."""
