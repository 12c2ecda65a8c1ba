"""The paper's tables as experiments over `gspn train` and `gspn evaluate`.

`tables` says what the tables are, `plan` which runs and measurements they need,
`runner` does them in processes of their own, `measuring` in these, and `report` writes
what there is so far. TensorFlow is imported in those processes alone.
"""
