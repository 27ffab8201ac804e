# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stand-ins for curl and wget, for nodes on a machine that has neither.

python3 fetchers.py curl|wget OPTIONS. They support the options that nodes use to download scripts, and refuse all others. Exit codes
and messages are those of curl 8 and wget 1.25; the names in User-Agent distinguish the stand-ins from the real programs.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import shlex
import signal
import socket
import ssl
import string
import sys
import typing as t
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

PROGRAMS = ("curl", "wget")
REDIRECTS = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 50


class Failed(Exception):
    """A transfer that failed, as curl reports it: an exit code and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def install(directory: Path, programs: t.Iterable[str] = PROGRAMS) -> None:
    """Create the programs in a directory for PATH."""
    directory.mkdir(exist_ok=True)
    for name in programs:
        program = directory / name
        words = [sys.executable, "-I", "-S", str(Path(__file__).resolve()), name]
        program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
        program.chmod(0o755)


def get(url: str, agent: str, timeout: float, bundle: str | None = None) -> http.client.HTTPResponse:
    """Request a URL. Raises Failed if there is no response."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=ssl.create_default_context(cafile=bundle))
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=timeout)
    target = quote(parts.path or "/", safe=string.punctuation) + (f"?{quote(parts.query, safe=string.punctuation)}" if parts.query else "")
    try:
        connection.request("GET", target, headers={"User-Agent": agent, "Accept": "*/*"})
        return connection.getresponse()
    except ssl.SSLCertVerificationError as error:
        raise Failed(60, f"SSL certificate problem: {error.verify_message}") from None
    except ssl.SSLError as error:
        raise Failed(35, f"TLS connect error: {error.reason}") from None
    except TimeoutError:
        raise Failed(28, "Connection timed out") from None
    except socket.gaierror:
        raise Failed(6, f"Could not resolve host: {host}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Failed(7, f"Failed to connect to {host} port {connection.port}: {error}") from None


def copy(response: http.client.HTTPResponse) -> None:
    """Write a response's body to stdout. Raises Failed if it is cut short."""
    try:
        while block := response.read(65536):
            sys.stdout.buffer.write(block)
        sys.stdout.buffer.flush()
    except (OSError, http.client.HTTPException) as error:
        raise Failed(56, f"Recv failure: {error}") from None
    # Reading in blocks does not report a premature end.
    if response.length:
        raise Failed(18, f"end of response with {response.length} bytes missing")


def set_deadline(seconds: int) -> None:
    def expire(_number: int, _frame: object) -> None:
        raise Failed(28, f"Operation timed out after {seconds * 1000} milliseconds")

    signal.signal(signal.SIGALRM, expire)
    signal.alarm(seconds)


def curl(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser("curl", add_help=False, allow_abbrev=False)
    for flag in ("-q", "-s", "-S", "-f", "-L", "-g"):
        parser.add_argument(flag, action="store_true", required=True)
    parser.add_argument("--proto", required=True)
    parser.add_argument("--proto-redir", required=True)
    parser.add_argument("--connect-timeout", type=float, required=True)
    parser.add_argument("--max-time", type=int, required=True)
    parser.add_argument("-K", choices=["-"], required=True)
    options = parser.parse_args(arguments)
    set_deadline(options.max_time)
    (url,) = re.findall(r'^url = "([^"\\]*)"$', sys.stdin.read(), re.MULTILINE)
    protocols = options.proto.removeprefix("=").split(",")
    for _redirect in range(MAX_REDIRECTS + 1):
        scheme = urlsplit(url).scheme.lower()
        if scheme not in protocols:
            raise Failed(1, f'Protocol "{scheme}" disabled')
        response = get(url, "curl/0 (stand-in)", options.connect_timeout, os.environ.get("CURL_CA_BUNDLE"))
        if response.status in REDIRECTS and response.getheader("Location"):
            url = urljoin(url, response.getheader("Location"))
            protocols = options.proto_redir.removeprefix("=").split(",")
        elif response.status >= 400:
            raise Failed(22, f"The requested URL returned error: {response.status}")
        else:
            return copy(response)
    raise Failed(47, f"Maximum ({MAX_REDIRECTS}) redirects followed")


def wget(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser("wget", add_help=False, allow_abbrev=False)
    parser.add_argument("--check-certificate", action="store_true", required=True)
    parser.add_argument("-q", action="store_true", required=True)
    parser.add_argument("-O", choices=["-"], required=True)
    parser.add_argument("--max-redirect", choices=["0"], required=True)
    parser.add_argument("-T", type=float, required=True)
    parser.add_argument("-t", choices=["1"], required=True)
    parser.add_argument("-i", choices=["-"], required=True)
    options = parser.parse_args(arguments)
    for url in sys.stdin.read().split():
        response = get(url, "Wget/0 (stand-in)", options.T)
        if response.status != 200:
            raise Failed(8, "")
        copy(response)


def main() -> None:
    name, *arguments = sys.argv[1:]
    try:
        {"curl": curl, "wget": wget}[name](arguments)
    except Failed as failed:
        # wget is quiet with -q, and has codes of its own: 5 for TLS, 8 for an error response, 4 for the network.
        if name == "curl":
            print(f"curl: ({failed.code}) {failed}", file=sys.stderr)
        sys.exit(failed.code if name == "curl" else {8: 8, 35: 5, 60: 5}.get(failed.code, 4))


if __name__ == "__main__":
    main()
