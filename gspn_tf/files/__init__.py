"""Bytes on disk: readers and writers of formats, and files that appear whole or not.

Imports nothing of the package.
"""

from gspn_tf.files.atomic import (
    replacing,
    sha256,
    write_json,
    write_text,
    writing_together,
)

__all__ = ["replacing", "sha256", "write_json", "write_text", "writing_together"]
