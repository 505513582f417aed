"""The lines between the processes: TCP on loopback that can be cut, swallow everything one way or both, and delay.

A Link stands in front of one server for one client. All links live in one thread with an event loop; what others call
is handed over to it."""
import asyncio
import threading
import time

CHUNK_BYTES = 65536
CHUNKS_MAX = 64  # under way on one connection, one way; more waits in the kernel
OUT, BACK = "out", "back"  # from the client to the server, and from the server to the client


class Link:
    """Listens on `port` and carries every connection on to `target`, a port too."""

    def __init__(self, loop, port, target):
        self.loop = loop
        self.port = port
        self.target = target
        self.cut_off = False
        self.delay_s = {OUT: 0.0, BACK: 0.0}
        self.flows = {OUT: asyncio.Event(), BACK: asyncio.Event()}
        self.writers = set()

    async def open(self):
        for flow in self.flows.values():
            flow.set()
        await asyncio.start_server(self._serve, "127.0.0.1", self.port, backlog=256)

    # ---- for everybody ----

    def cut(self):
        """Closes what is open and takes no new connection."""
        self._do(self._cut)

    def swallow(self, ways):
        """Nothing arrives any more in these directions; connections stay. What was under way comes after mending."""
        self._do(lambda: [self.flows[way].clear() for way in ways])

    def slow_down(self, ways, seconds):
        self._do(lambda: self.delay_s.update({way: seconds for way in ways}))

    def point_to(self, target):
        """Carries on to another server from now on, as an address does that moves; what is open is closed."""
        def move():
            self.target = target
            self._hang_up()
        self._do(move)

    def mend(self):
        self._do(self._mend)

    # ---- in the loop ----

    def _do(self, action):
        self.loop.call_soon_threadsafe(action)

    def _hang_up(self):
        for writer in list(self.writers):
            writer.transport.abort()

    def _cut(self):
        self.cut_off = True
        self._hang_up()

    def _mend(self):
        self.cut_off = False
        self.delay_s = {OUT: 0.0, BACK: 0.0}
        for flow in self.flows.values():
            flow.set()

    async def _serve(self, reader, writer):
        if self.cut_off:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self.writers |= ends
        try:
            await asyncio.gather(self._carry(reader, far_writer, OUT), self._carry(far_reader, writer, BACK))
        finally:
            self.writers -= ends
            for end in ends:
                end.transport.abort()

    async def _carry(self, reader, writer, way):
        """Reading and writing apart, so that a delay makes the line longer and not thinner."""
        queue = asyncio.Queue(CHUNKS_MAX)
        writing = asyncio.ensure_future(self._write(queue, writer, way))
        try:
            while True:
                chunk = await reader.read(CHUNK_BYTES)
                await queue.put((time.monotonic(), chunk))
                if not chunk:
                    break
            await writing
        except OSError:
            pass
        finally:
            writing.cancel()
            writer.close()

    async def _write(self, queue, writer, way):
        try:
            while True:
                came, chunk = await queue.get()
                await self.flows[way].wait()
                early = came + self.delay_s[way] - time.monotonic()
                if early > 0:
                    await asyncio.sleep(early)
                if not chunk:
                    return
                writer.write(chunk)
                await writer.drain()
        except OSError:
            pass


class Lines:
    """All links, by name."""

    def __init__(self, ports):
        self.ports = ports
        self.links = {}
        self.loop = asyncio.new_event_loop()
        self.loop.set_exception_handler(lambda loop, context: None)  # connections that break are the purpose here
        threading.Thread(target=self.loop.run_forever, name="lines", daemon=True).start()

    def add(self, name, target):
        """A link to `target` under this name; returns the port to connect to."""
        link = Link(self.loop, self.ports.take(), target)
        asyncio.run_coroutine_threadsafe(link.open(), self.loop).result(60)
        self.links[name] = link
        return link.port

    def from_to(self, source, target):
        """The links whose names match: a name is (source, target); None matches all."""
        return [link for (a, b), link in self.links.items()
                if (source is None or a == source) and (target is None or b == target)]

    def mend_all(self):
        for link in self.links.values():
            link.mend()
