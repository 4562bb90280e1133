"""The explorer as a page of its own, on this machine alone: tornado, which JupyterLab brings, on 127.0.0.1."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler

from fashion_lib.core.errors import FashionError
from fashion_lib.explorer.conversation import Conversation

HERE = Path(__file__).parent
HOST, PORT = "127.0.0.1", 8765
TRIED = 20  # ports, the first one among them
POLICY = (
    "default-src 'self'",
    "img-src data:",
    "style-src 'self' 'unsafe-inline'",
    "script-src 'self' 'unsafe-inline'",
    "frame-ancestors 'none'",
)
FILES = {
    "": ("page.html", "text/html"),
    "explorer.js": ("explorer.js", "text/javascript"),
    "explorer.css": ("explorer.css", "text/css"),
}


class _Own(RequestHandler):
    """Refuses what does not come from a page of this server: another site's script, or another name for it."""

    def prepare(self) -> None:
        port = self.application.settings["port"]
        if self.request.host not in {f"{name}:{port}" for name in (HOST, "localhost")}:
            raise HTTPError(403)

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", "; ".join(POLICY))
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        self.clear_header("Server")


class _Page(_Own):
    def get(self, name: str) -> None:
        file, kind = FILES[name]
        self.set_header("Content-Type", f"{kind}; charset=utf-8")
        self.finish((HERE / file).read_bytes())


class _Ask(_Own):
    async def post(self) -> None:
        """Write one line of JSON per reply. The first line of the body is the request; the rest, a file's piece."""
        if not self.request.headers.get("X-Explorer"):  # which no form of another site can send
            raise HTTPError(403)
        head, _, content = self.request.body.partition(b"\n")
        try:
            request = json.loads(head)
        except ValueError:
            request = {}
        given = request if isinstance(request, dict) else {}
        replies = self.application.settings["conversation"].replies(given, content)
        loop, worker = asyncio.get_running_loop(), self.application.settings["worker"]
        while (reply := await loop.run_in_executor(worker, next, replies, None)) is not None:
            try:
                self.write(json.dumps(reply) + "\n")
                await self.flush()
            except StreamClosedError:  # the window was closed while it waited
                return


def listening(port: int = PORT) -> tuple[list, int]:
    """Return sockets on the first free port from `port` on, and that port; 0 takes any free one.

    Raises:
        FashionError: all of them are taken.
    """
    for one in [port] if port == 0 else range(port, min(port + TRIED, 2**16)):
        try:
            sockets = bind_sockets(one, HOST)
        except OSError:
            continue
        return sockets, sockets[0].getsockname()[1]
    raise FashionError(f"no port from {port} to {port + TRIED - 1} is free: name another with --port.")


def serve(conversation: Conversation, port: int = PORT, ready=lambda address: None) -> None:
    """Answer requests until the process is interrupted.

    Args:
        conversation: answers the windows; one question at a time.
        port: the first to try.
        ready: called with the page's address when it can be opened.
    """
    asyncio.run(_served(conversation, port, ready))


async def _served(conversation: Conversation, port: int, ready) -> None:
    sockets, taken = listening(port)
    with ThreadPoolExecutor(1) as worker:
        routes = [(r"/(|explorer\.js|explorer\.css)", _Page), ("/ask", _Ask)]
        application = Application(
            routes, conversation=conversation, worker=worker, port=taken, log_function=lambda handler: None
        )
        HTTPServer(application).add_sockets(sockets)
        ready(f"http://{HOST}:{taken}/")
        await asyncio.Event().wait()
