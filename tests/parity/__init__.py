"""Comparison of gspn_tf with values recorded from the released model."""
