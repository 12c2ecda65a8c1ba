"""The building blocks of the field: layers, losses, boxes, matching and neighbourhoods.

No model lives here. Imports from `ops`, `config` and below.
"""
