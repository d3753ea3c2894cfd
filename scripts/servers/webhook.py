#!/usr/bin/env python3
"""A receiver of webhooks that verifies them with the public `standardwebhooks` library. For tests.

Listens on 127.0.0.1 only and prints JSON lines on standard output:
    {"port": 40001}                                                     once it listens
    {"path": ..., "id": ..., "timestamp": ..., "verified": [...], "body": ...}   for every post
`verified` has one truth for each --secret, in their order. Ends when standard input is closed.

What the path makes it answer: /200, /302 (to /followed), /410, /500; /429 with Retry-After: 8; /endless 200 and a body
that never ends; /hang nothing.
"""

import argparse
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

WRITING = threading.Lock()


def say(record):
    with WRITING:
        print(json.dumps(record), flush=True)


def verifies(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


class Receiver(BaseHTTPRequestHandler):
    secrets = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        say(
            {
                "path": self.path,
                "id": headers.get("webhook-id"),
                "timestamp": headers.get("webhook-timestamp"),
                "verified": [verifies(secret, body, headers) for secret in self.secrets],
                "body": body,
            }
        )
        word = self.path.strip("/")
        if word == "hang":
            time.sleep(600)
            return
        self.send_response(200 if word in ("followed", "endless") else int(word))
        if word == "302":
            self.send_header("location", "/followed")
        if word == "429":
            self.send_header("retry-after", "8")
        if word != "endless":
            self.send_header("content-length", "0")
        self.end_headers()
        try:
            while word == "endless":
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    do_GET = do_POST

    def do_GET(self):
        # Whoever follows a redirect comes here.
        say({"path": self.path})
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--secret", action="append", default=[])
    Receiver.secrets = arguments.parse_args().secret
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say({"port": server.server_address[1]})
    sys.stdin.read()


if __name__ == "__main__":
    main()
