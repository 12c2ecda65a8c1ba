"""Bytes on disk: readers and writers of formats, and files that appear whole or not.

Imports nothing of the package.
"""

from gspn_tf.files.atomic import SCRATCH as SCRATCH
from gspn_tf.files.atomic import locked as locked
from gspn_tf.files.atomic import replacing as replacing
from gspn_tf.files.atomic import sha256 as sha256
from gspn_tf.files.atomic import write_json as write_json
from gspn_tf.files.atomic import write_text as write_text
from gspn_tf.files.atomic import writing_together as writing_together
