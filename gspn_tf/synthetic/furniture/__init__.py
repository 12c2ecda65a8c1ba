"""Parametric surfaces, and the furniture and shapes of parts that are built of them."""
