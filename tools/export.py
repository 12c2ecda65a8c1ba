"""`gspn export` for a checkout."""

import sys

from gspn_tf.cli import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
