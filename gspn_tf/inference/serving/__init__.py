"""The exported graph: what it takes and answers, and the folder that servers load."""
