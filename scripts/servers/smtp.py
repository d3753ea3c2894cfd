#!/usr/bin/env python3
"""A real SMTP server (aiosmtpd) whose replies are scripted by the recipient's address. For tests.

Listens on 127.0.0.1 only and prints JSON lines on standard output:
    {"port": 40001}                                         once it listens
    {"mail_from": ..., "rcpt_to": [...], "peer_tls": ..., "user": ..., "subject": ..., "text": ..., "html": ...,
     "headers": {...}, "raw": ...}                          for every mail that it took
Ends when standard input is closed, so that it never outlives the test that started it.

What the address before the @ makes it do:
    good, or anything else      takes the mail
    reply-451-4.7.1             answers RCPT with `451 4.7.1 ...`; any code, with or without an enhanced one
    data-554-5.6.0              the same, for the message
    drop-rcpt                   cuts the connection instead of answering RCPT
    drop-data                   takes the message and cuts the connection instead of answering
    sleep-data                  takes the message and answers after --sleep seconds
"""

import argparse
import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def say(record):
    print(json.dumps(record), flush=True)


def scripted(address, prefix):
    """The reply that an address asks for, as `451 4.7.1 text`, or None."""
    local = address.split("@")[0]
    if not local.startswith(prefix + "-"):
        return None
    parts = local[len(prefix) + 1 :].split("-")
    if not parts[0].isdigit():
        return None
    enhanced = parts[1] + " " if len(parts) > 1 else ""
    return f"{parts[0]} {enhanced}scripted reply for <{address}>"


class Handler:
    def __init__(self, options):
        self.options = options

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("drop-rcpt"):
            server.transport.abort()
            return "421 gone"
        reply = scripted(address, "reply")
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server, session, envelope):
        first = envelope.rcpt_tos[0]
        reply = scripted(first, "data")
        if reply:
            return reply
        say(taken(server, session, envelope))
        if first.startswith("drop-data"):
            server.transport.abort()
            return "421 gone"
        if first.startswith("sleep-data"):
            await asyncio.sleep(self.options.sleep)
        return "250 2.0.0 Ok: queued as TEST0001"


def taken(server, session, envelope):
    mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    user = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None
    return {
        "mail_from": envelope.mail_from,
        "rcpt_to": envelope.rcpt_tos,
        "peer_tls": server.transport.get_extra_info("ssl_object") is not None,
        "user": user,
        "subject": mail["subject"],
        "text": plain.get_content() if plain else None,
        "html": html.get_content() if html else None,
        "headers": {name: str(value) for name, value in mail.items()},
        "raw": envelope.content.decode("utf-8", "replace"),
    }


class Server(Controller):
    """Hands the protocol its greeting name and the parameters that the command line asks for."""

    def factory(self):
        return SMTP(self.handler, ident="test server", hostname="mx.test", **self.SMTP_kwargs)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--port", type=int, default=0, help="0: any free one")
    arguments.add_argument("--tls", choices=["none", "starttls", "implicit"], default="none")
    arguments.add_argument("--cert", help="PEM, for --tls")
    arguments.add_argument("--key", help="PEM, for --tls")
    arguments.add_argument("--user", help="ask for this user ...")
    arguments.add_argument("--password", help="... and this password")
    arguments.add_argument("--sleep", type=float, default=60, help="seconds, for sleep-data")
    options = arguments.parse_args()

    kwargs = {"data_size_limit": 1_000_000}
    context = None
    if options.tls != "none":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.cert, options.key)
    if options.tls == "starttls":
        kwargs |= {"tls_context": context, "require_starttls": True}
    if options.user:

        def authenticate(server, session, envelope, mechanism, data):
            good = (
                isinstance(data, LoginPassword)
                and data.login == options.user.encode()
                and data.password == options.password.encode()
            )
            return AuthResult(success=good, handled=good, auth_data=data if good else None)

        kwargs |= {
            "authenticator": authenticate,
            "auth_required": True,
            "auth_require_tls": options.tls == "starttls",
        }

    # The controller connects to itself once to see that it listens, for which it must know the port.
    port = options.port or free_port()
    controller = Server(
        Handler(options),
        hostname="127.0.0.1",
        port=port,
        ssl_context=context if options.tls == "implicit" else None,
        **kwargs,
    )
    controller.start()
    say({"port": port})
    try:
        sys.stdin.read()
    finally:
        controller.stop(no_assert=True)


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main()
