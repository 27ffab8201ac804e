# Copyright (c) 2026, the alicloud.ehpc contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The emulator as a server: HTTP, TLS, latency and faults, on a thread of its own."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from . import answers, oss
from .answers import Answer
from .commands import Record
from .errors import ApiError
from .faults import Fault, Faults
from .gateway import Nonces, Request, admit, server_string_to_sign
from .oss import ObjectRequest
from .oss_errors import OssError
from .product import perform
from .scenario import load
from .state import Credential, Denial
from .tls import server_context

# Sixteen scripts with long URLs make a long query.
LONGEST_LINE = 1 << 20
HTML = "text/html;charset=utf-8"


@dataclass
class Call:
    """One request; complete before its answer is sent. Without an answer status and code stay None."""

    action: str
    version: str  # of the API; empty for OSS
    params: dict[str, str]  # of the operation, without the common ones
    connection: int
    user_agent: str
    headers: dict[str, str]
    access_key: str
    http_status: int | None = None
    code: str | None = None  # None: success
    request_id: str | None = None
    fault: str | None = None  # the kind that was used


class Emulator:
    """Serves as a context manager, or between start() and stop()."""

    def __init__(
        self,
        scenario: str | Path | Mapping[str, Any] | None = None,
        tls: bool = False,
        latency: float = 0.0,
        names: Sequence[str] = ("localhost", "127.0.0.1"),
        port: int = 0,
    ) -> None:
        self.state, faults = load(scenario)
        self.latency = latency
        self.calls: list[Call] = []
        self.connections = 0
        self.sni: list[str | None] = []
        self.port = port
        self._tls = tls
        self._names = names
        self._faults = Faults()
        for fault in faults:
            self._faults.add(fault)
        self._nonces = Nonces()
        self._numbers: dict[int, int] = {}
        self._accepted = 0
        self._directory: Path | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._failure: OSError | OverflowError | None = None
        self.internal_port = 0

    # For tests

    @property
    def endpoint(self) -> str:
        if not self._tls:
            return f"http://127.0.0.1:{self.port}"
        return f"https://{'127.0.0.1' if '127.0.0.1' in self._names else 'localhost'}:{self.port}"

    @property
    def internal_endpoint(self) -> str:
        """OSS as the nodes of a VPC see it: a bucket policy may let them read without a signature."""
        return self.endpoint.replace(f":{self.port}", f":{self.internal_port}")

    @property
    def access_key(self) -> str:
        return next(iter(self.state.credentials.values())).access_key

    @property
    def secret_key(self) -> str:
        return next(iter(self.state.credentials.values())).secret_key

    @property
    def region(self) -> str:
        return self.state.region

    @property
    def ca_path(self) -> str | None:
        return str(self._directory / "ca.pem") if self._directory else None

    def credential(self, name: str) -> Credential:
        return next(credential for credential in self.state.credentials.values() if credential.name == name)

    def actions(self) -> list[str]:
        return [call.action for call in list(self.calls)]

    def forget(self) -> None:
        """Clears the recorded calls, but keeps the state and the pending faults."""
        self.calls.clear()
        self.sni.clear()
        self.connections = 0
        self._nonces.forget()

    def fault(self, action: str = "*", kind: str = "code", **options: Any) -> Fault:
        fault = Fault(action, kind, **options)
        self._faults.add(fault)
        return fault

    def clear_faults(self) -> None:
        self._faults.clear()

    def deny(self, action: str = "*", **options: Any) -> Denial:
        denial = Denial(action, **options)
        self.state.denied.append(denial)
        return denial

    def initialize(self, cluster_id: str, node_id: str) -> Record:
        """What a node of a cluster does when it is initialized: it runs the post scripts of the cluster. Returns its output."""
        cluster = self.state.clusters[cluster_id]
        variables = {"ClusterId": cluster.id, "AccountType": cluster.account_type}
        return self.state.machines.initialize(cluster.id, node_id, cluster.post_scripts, variables)

    # Start and stop

    def start(self) -> Emulator:
        context = self._failure = None
        if self._tls:
            self._directory = Path(tempfile.mkdtemp(prefix="ehpc-emulator-"))
            context = server_context(self._names, self._directory / "ca.pem", self.sni)
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(context, ready)), daemon=True)
        self._thread.start()
        ready.wait()
        if self._failure:
            self.stop()
            raise self._failure
        return self

    def stop(self) -> None:
        thread, self._thread = self._thread, None
        if thread:
            if self._loop and self._stopping:
                self._loop.call_soon_threadsafe(self._stopping.set)
            thread.join()
            self._loop = self._stopping = None
        self.state.machines.stop()
        directory, self._directory = self._directory, None
        if directory:
            shutil.rmtree(directory, ignore_errors=True)

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None) -> None:
        self.stop()

    async def _serve(self, context: Any, ready: threading.Event) -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        server = web.Server(self._handle, access_log=None, max_line_size=LONGEST_LINE, max_field_size=LONGEST_LINE)
        try:
            listener = await loop.create_server(lambda: self._accept(server), "127.0.0.1", self.port, ssl=context, backlog=1024)
            internal = await loop.create_server(lambda: self._accept(server), "127.0.0.1", 0, ssl=context)
        except (OSError, OverflowError) as error:
            self._failure = error
            ready.set()
            return
        self.port = listener.sockets[0].getsockname()[1]
        self.internal_port = internal.sockets[0].getsockname()[1]
        # From now on the loop must be stopped. A loop that could not listen ends by itself.
        self._loop, self._stopping = loop, stopping
        ready.set()
        await stopping.wait()
        listener.close()
        internal.close()
        # Pending responses are cancelled, here or by the end of the loop.
        await server.shutdown(0.01)

    def _accept(self, server: web.Server) -> web.RequestHandler:
        self.connections += 1
        self._accepted += 1
        protocol = server()
        # The id() of a deleted protocol may be used again. The new connection then overwrites the old one.
        self._numbers[id(protocol)] = self._accepted
        return protocol

    # Requests

    async def _handle(self, http: web.BaseRequest) -> web.StreamResponse:
        request = await _request(http)
        of_object = oss.object_request(self.state, request, self._is_internal(http))
        call = self._note(http, request, of_object)
        if self.latency:
            await asyncio.sleep(self.latency)
        answer = await (self._answer_of_oss(call, of_object) if of_object else self._answer(call, request))
        if answer is not None:
            call.http_status, call.code, call.request_id = answer.status, answer.code, answer.request_id
        return _send(http, answer)

    def _is_internal(self, http: web.BaseRequest) -> bool:
        address = http.transport.get_extra_info("sockname") if http.transport else None
        return address is not None and address[1] == self.internal_port

    def _note(self, http: web.BaseRequest, request: Request, of_object: ObjectRequest | None) -> Call:
        if of_object:
            action, params = of_object.action, {"Bucket": of_object.bucket_name, "Key": of_object.key}
            access_key = of_object.signed.access_key if of_object.signed else ""
        else:
            action, params, access_key = request.action, request.params, request.common.get("AccessKeyId", "")
        call = Call(
            action=action,
            version="" if of_object else request.common.get("Version", ""),
            params=params,
            connection=self._numbers[id(http.protocol)],
            user_agent=request.headers.get("user-agent", ""),
            headers=request.headers,
            access_key=access_key,
        )
        self.calls.append(call)
        return call

    async def _answer(self, call: Call, request: Request) -> Answer | None:
        try:
            credential = admit(self.state, self._nonces, request)
        except ApiError as error:
            return self._failure_answer(request, error)
        fault = self._faults.take(request.action, request.region(self.state), request.cluster_id)
        if fault is None:
            return self._work(request, credential)
        call.fault = fault.kind
        return await self._play(fault, request, lambda: self._work(request, credential), lambda: self._failure_answer(request, _error(fault, request)))

    def _work(self, request: Request, credential: Credential) -> Answer:
        try:
            content = perform(self.state, credential, request)
        except ApiError as error:
            return self._failure_answer(request, error)
        return answers.success(request.action, request.form, content, self.state.empty_lists)

    def _failure_answer(self, request: Request, error: ApiError) -> Answer:
        return answers.failure(request.action, request.form, error, request.headers.get("host", ""))

    async def _answer_of_oss(self, call: Call, request: ObjectRequest) -> Answer | None:
        def work() -> Answer:
            try:
                return oss.perform(self.state, request)
            except OssError as error:
                return oss.failure(request, error)

        bucket = self.state.buckets.get(request.bucket_name)
        fault = self._faults.take(call.action, bucket.region if bucket else self.state.region, None)
        if fault is None:
            return work()
        call.fault = fault.kind
        if fault.kind == "crc":
            return oss.with_wrong_crc(work())
        if fault.kind == "tampered":
            return oss.tampered(work())
        return await self._play(fault, request.http, work, lambda: oss.failure(request, OssError(fault.code, fault.status)))

    async def _play(self, fault: Fault, request: Request, work: Callable[[], Answer], failure: Callable[[], Answer]) -> Answer | None:
        """None: the connection is dropped without an answer."""
        if fault.kind == "code":
            return failure()
        if fault.kind == "bad_gateway":
            return Answer(fault.status or 502, b"<html><body><h1>Bad Gateway</h1></body></html>", HTML)
        if fault.kind == "unsuccessful":
            return answers.success(request.action, request.form, {"Success": False}, self.state.empty_lists)
        if fault.kind == "empty":
            return Answer(200, b"", answers.CONTENT_TYPES[request.form])
        if fault.kind == "html":
            return Answer(200, b"<html><body><h1>Welcome</h1></body></html>", HTML)
        if fault.kind == "lost_before":
            return None
        if fault.kind == "slow_before":
            await asyncio.sleep(fault.seconds)
        answer = work()
        if fault.kind == "lost_after":
            return None
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "truncated":
            return replace(answer, sent=len(answer.body) // 2)
        if fault.kind == "truncated_json":
            return replace(answer, body=answer.body[: len(answer.body) // 2])
        return answer


def _error(fault: Fault, request: Request) -> ApiError:
    detail = fault.detail
    if detail is None and fault.code in ("SignatureDoesNotMatch", "IncompleteSignature"):
        detail = server_string_to_sign(request)
    return ApiError(fault.code, detail, fault.status, fault.message)


async def _request(http: web.BaseRequest) -> Request:
    path, _mark, query = http.raw_path.partition("?")
    body = await http.read() if http.can_read_body else b""
    pairs = parse_qsl(query, keep_blank_values=True)
    return Request(http.method, path, pairs, {name.lower(): value for name, value in http.headers.items()}, body)


def _send(http: web.BaseRequest, answer: Answer | None) -> web.StreamResponse:
    transport = http.transport
    if answer is None or answer.sent is not None:
        if transport is not None:
            _cut(transport, answer)
        return web.Response()
    return web.Response(status=answer.status, body=answer.body, headers={"Content-Type": answer.content_type, **answer.headers})


def _cut(transport: asyncio.Transport, answer: Answer | None) -> None:
    if answer is None:
        transport.abort()
        return
    head = f"HTTP/1.1 {answer.status} OK\r\nContent-Type: {answer.content_type}\r\nContent-Length: {len(answer.body)}\r\n\r\n"
    transport.write(head.encode() + answer.body[: answer.sent])
    transport.close()
