"""`gspn benchmark` for a checkout."""

import sys

from gspn_tf.commands.main import main

if __name__ == "__main__":
    sys.exit(main(["benchmark", *sys.argv[1:]]))
