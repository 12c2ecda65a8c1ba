"""`gspn train` for a checkout."""

import sys

from gspn_tf.commands.main import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
