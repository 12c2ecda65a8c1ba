"""The paper's tables as experiments over `gspn train` and `gspn evaluate`.

`tables` says what the tables are, `plan` which runs and measurements they need, `steps`
does these, `runner` goes through all of them in processes of their own, and `report`
writes what there is so far. TensorFlow is imported in those processes alone.
"""
