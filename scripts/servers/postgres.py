#!/usr/bin/env python3
"""A private PostgreSQL, for tests and measurements: a new cluster in a folder of its own, on 127.0.0.1 only.

Prints a JSON line once it takes connections:
    {"port": 21001, "url": "postgres://backstop:...@127.0.0.1:21001/backstop", "log": FILE, "pid": 4711, "ca": FILE or null}
Ends when standard input is closed or it is told to terminate, and removes the folder, so that it never outlives the test
that started it. Should it be killed itself, the kernel stops the server.

Lines on standard input are commands; each is answered by a JSON line:
    database            makes a fresh database: {"url": ..., "name": ...}
    stop [immediate]    ends the server, cleanly or as a crash would: {"stopped": true}
    start               starts it again on the same port, and answers as at first
    restart             stop immediate, then start
    where               answers as at first
    checkpoint          writes everything to disk: {"checkpoint": true}
A command that fails answers {"problem": ...}.

The role in the URL owns its databases and is no superuser; passwords are random and asked for (SCRAM). Everything is
durable (fsync, synchronous_commit) as it would be in production, and text sorts by the rules of a language, as it does
in most installations. PostgreSQL does not run as root: started by root, it runs as `postgres` or else `nobody`.
"""

import argparse
import ctypes
import glob
import json
import os
import pathlib
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

OLDEST = 15
PROGRAMS = ("initdb", "postgres", "psql")
START_LIMIT = STOP_LIMIT = 60

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
}


class Problem(Exception):
    """What keeps us from going on, as a sentence."""


def say(record):
    print(json.dumps(record), flush=True)


def find():
    """The folder of the newest programs that will do: those of PATH first, then where Debian keeps them."""
    here = shutil.which("postgres")
    folders = [os.path.dirname(os.path.realpath(here))] if here else []
    debian = glob.glob("/usr/lib/postgresql/*/bin")
    folders += sorted(debian, key=lambda folder: int(re.sub(r"\D", "", folder) or 0), reverse=True)
    seen = []
    for folder in folders:
        if not all(os.access(os.path.join(folder, name), os.X_OK) for name in PROGRAMS):
            continue
        told = subprocess.run([os.path.join(folder, "postgres"), "--version"], capture_output=True, text=True).stdout
        version = re.search(r"\) (\d+)", told)
        if version and int(version[1]) >= OLDEST:
            return folder
        seen.append(f"{folder} has {told.strip() or 'a program that does not run'}")
    raise Problem(f"PostgreSQL {OLDEST} or newer is needed ({', '.join(PROGRAMS)}): {'; '.join(seen) or 'none found'}")


def user_for_server():
    """Who the server runs as: ourselves, unless that is root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Problem("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


def ends_with_parent():
    """Asks Linux to stop this process (fast shutdown) when the one that started it is gone."""
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGINT)


def free_port():
    """A port that is free now, below those that the system hands to outgoing connections while we are stopped."""
    for port in random.sample(range(20_000, 32_000), 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Problem("no free port found on 127.0.0.1")


class Cluster:
    def __init__(self, folder, port, settings, tls):
        self.programs = find()
        self.user = user_for_server()
        self.folder = pathlib.Path(folder).resolve()
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.ca = self.folder / "ca.pem" if tls else None
        self.settings = SETTINGS | settings
        self.port = port
        self.tls = tls
        self.process = None

    def open(self):
        """Makes what is missing and starts."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.own(self.folder)
        new = not self.data.exists()
        if new:
            self.initialize()
        self.superuser, self.password = json.loads((self.folder / "passwords").read_text())
        if self.tls:
            self.certify()
        self.port = self.port or free_port()
        self.start()
        if new:
            self.sql(f"CREATE ROLE backstop LOGIN CREATEDB PASSWORD '{self.password}'")
            self.create("backstop")

    def own(self, path):
        if self.user:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def as_user(self):
        if not self.user:
            return {}
        return {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}

    def program(self, name):
        return os.path.join(self.programs, name)

    def initialize(self):
        passwords = [secrets.token_hex(16), secrets.token_hex(16)]
        file = self.folder / "passwords"
        file.touch(mode=0o600)
        file.write_text(json.dumps(passwords))
        given = self.folder / "superuser"
        given.touch(mode=0o600)
        given.write_text(passwords[0] + "\n")
        self.own(given)
        made = subprocess.run(
            [self.program("initdb"), "--pgdata", self.data, "--username=postgres", "--pwfile", given]
            + ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync"],
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            **self.as_user(),
        )
        given.unlink()
        if made.returncode != 0:
            hint = ""
            if self.user:
                hint = f" (as {self.user.pw_name}, who must be able to reach {self.folder})"
            raise Problem(f"initdb failed{hint}: {made.stderr.strip()}")

    def certify(self):
        """A certificate for localhost, and the authority that signed it."""
        key, cert, ca_key = (self.folder / name for name in ("server.key", "server.pem", "ca.key"))
        new_key = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        authority = ["-subj", "/CN=test authority", "-keyout", ca_key, "-out", self.ca]
        server = ["-subj", "/CN=localhost", "-CA", self.ca, "-CAkey", ca_key, "-keyout", key, "-out", cert]
        server += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"]
        for arguments in (authority, server):
            made = subprocess.run(new_key + arguments, capture_output=True, text=True)
            if made.returncode != 0:
                raise Problem(f"openssl made no certificate: {made.stderr.strip()}")
        key.chmod(0o600)
        self.own(key)
        self.settings |= {"ssl": "on", "ssl_cert_file": str(cert), "ssl_key_file": str(key)}

    def start(self):
        if self.process:
            raise Problem("it is running")
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program("postgres"), "-D", self.data, "-p", str(self.port)] + options,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=ends_with_parent,
                **self.as_user(),
            )
        begun = time.monotonic()
        while not self.is_ready():
            ended = self.process.poll() is not None
            if ended or time.monotonic() - begun > START_LIMIT:
                self.stop("immediate")
                raise Problem(f"PostgreSQL did not start; the end of its log: {self.log.read_text()[-2000:]}")
            time.sleep(0.01)

    def is_ready(self):
        """The last line of the server's own file says so, once it takes connections."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def stop(self, mode):
        if not self.process:
            return
        self.process.send_signal(signal.SIGQUIT if mode == "immediate" else signal.SIGINT)
        try:
            self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def sql(self, statement):
        done = subprocess.run(
            [self.program("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port)]
            + ["-U", "postgres", "-d", "postgres", "-c", statement],
            env={"PGPASSWORD": self.superuser, "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode != 0:
            raise Problem(done.stderr.strip())

    def create(self, name):
        self.sql(f"CREATE DATABASE {name} OWNER backstop")

    def url(self, name):
        return f"postgres://backstop:{self.password}@127.0.0.1:{self.port}/{name}"

    def told(self):
        if not self.process:
            raise Problem("it is stopped")
        ca = str(self.ca) if self.ca else None
        url = self.url("backstop")
        return {"port": self.port, "url": url, "log": str(self.log), "pid": self.process.pid, "ca": ca}

    def obey(self, line):
        match line.split():
            case ["database"]:
                name = f"t{secrets.token_hex(8)}"
                self.create(name)
                return {"url": self.url(name), "name": name}
            case ["checkpoint"]:
                self.sql("CHECKPOINT")
                return {"checkpoint": True}
            case ["where"]:
                return self.told()
            case ["stop"] | ["stop", "immediate"] as words:
                self.stop(words[-1])
                return {"stopped": True}
            case ["start"]:
                self.start()
                return self.told()
            case ["restart"]:
                self.stop("immediate")
                self.start()
                return self.told()
        raise Problem(f"no such command: {line.strip()}")


def serve(cluster):
    say(cluster.told())
    for line in sys.stdin:
        try:
            answer = cluster.obey(line)
        except Problem as problem:
            answer = {"problem": str(problem)}
        say(answer)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--find", action="store_true", help="only say where the programs are, or that there are none")
    arguments.add_argument("--port", type=int, default=0, help="0: any free one")
    arguments.add_argument("--data", metavar="DIR", help="keep the cluster here, and use the one that is here already")
    arguments.add_argument("--tls", action="store_true", help="with a certificate for localhost; plain connections stay possible")
    arguments.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server; repeatable")
    options = arguments.parse_args()
    if options.find:
        print(find())
        return
    # Told to terminate: end in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder = options.data or tempfile.mkdtemp(prefix="backstop-postgres-")
    cluster = None
    try:
        cluster = Cluster(folder, options.port, dict(pair.split("=", 1) for pair in options.set), options.tls)
        cluster.open()
        serve(cluster)
    except KeyboardInterrupt:
        pass
    finally:
        # A clean shutdown writes everything to disk first, which a folder about to be removed does not need.
        if cluster:
            cluster.stop("fast" if options.data else "immediate")
        if not options.data:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(f"postgres.py: {problem}")
