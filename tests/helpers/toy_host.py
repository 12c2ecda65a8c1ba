"""Trains toy networks, four epochs a stage, as one of the hosts of TF_CONFIG.

python toy_host.py DATA RUN
"""

import sys

import toy_models
from rich.console import Console

from gspn_tf.training import hosts, loop

if __name__ == "__main__":
    loop.models.build = toy_models.build
    strategy, console = hosts.join(), Console(width=200)
    try:
        loop.train(
            toy_models.config(4), *sys.argv[1:], strategy=strategy, console=console
        )
    except hosts.HostError as error:
        print(error)
        sys.exit(2)
