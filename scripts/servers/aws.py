#!/usr/bin/env python3
"""moto's AWS emulator, for tests. Listens on 127.0.0.1 only and prints {"port": 40001} once it does.

What was sent is read back at GET /moto-api/data.json under "sns" and "ses". Ends when standard input is closed, so that it never
outlives the test that started it.
"""

import argparse
import json
import logging
import sys

from moto.server import ThreadedMotoServer


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=0, help="0: any free one")
    options = arguments.parse_args()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=options.port, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    print(json.dumps({"port": port}), flush=True)
    try:
        sys.stdin.read()
    finally:
        server.stop()


if __name__ == "__main__":
    main()
