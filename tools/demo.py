"""`gspn demo` for a checkout."""

import sys

from gspn_tf.cli import main

if __name__ == "__main__":
    sys.exit(main(["demo", *sys.argv[1:]]))
