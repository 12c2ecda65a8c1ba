"""The commands `gspn ...`, a file each, and `main`, which parses and runs them.

Commands may import everything else in this package, and nothing imports them. What
needs TensorFlow is imported inside functions, after the checks that do without.
"""
