"""The weights of the authors' TensorFlow 1 code, read into our networks."""
