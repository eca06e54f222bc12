"""Closed-loop load from clients that never retry: half of the measurement of a rolling restart.

  load.py PORT NEW KEEP LIMIT   NEW clients with a connection per request and KEEP keep-alive clients, until
                                SIGTERM or LIMIT seconds; then one JSON object on stdout: "ok" a list of
                                [time, milliseconds, reused connection], "lost" of [time, word], "idle_close"
"""
import asyncio
import json
import signal
import socket
import sys
import time

from client import Lost, Response, connect_lost, request

PAUSE = 0.005  # seconds, between requests of a client that thinks, and after a loss
PATIENCE = 10  # seconds for the last responses


class Client:
    """One client and its one connection at a time."""

    def __init__(self, load: 'Load', keep_alive: bool, thinks: bool):
        self.load, self.keep_alive, self.thinks = load, keep_alive, thinks
        self.connection: socket.socket | None = None

    async def run(self):
        while not self.load.stop.is_set():
            self._drop_if_closed_between_requests()
            await self._one_request()
        self._drop()

    async def _one_request(self):
        reused, start = self.connection is not None, time.monotonic()
        try:
            if not self.connection:
                await self._connect()
            response = await self._exchange()
        except Lost as lost:
            race = reused and str(lost) in ('empty', 'reset')
            self.load.lost.append((time.monotonic(), 'keep-alive race' if race else str(lost)))
            self._drop()
            await asyncio.sleep(PAUSE)
            return
        now = time.monotonic()
        self.load.ok.append((now, (now - start) * 1000, reused))
        if not (self.keep_alive and response.keep_alive):
            self._drop()
        if self.thinks:
            await asyncio.sleep(PAUSE)

    async def _connect(self):
        self.connection = socket.socket()
        self.connection.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(self.connection, ('127.0.0.1', self.load.port))
        except OSError as error:
            raise connect_lost(error) from error

    async def _exchange(self) -> Response:
        loop, response = asyncio.get_running_loop(), Response()
        try:
            await loop.sock_sendall(self.connection, request('/', self.keep_alive))
            while not response.feed(await loop.sock_recv(self.connection, 65536)):
                pass
        except OSError as error:
            raise response.lost(error) from error
        return response

    def _drop_if_closed_between_requests(self):
        """A server may close an idle connection; a client that looks first loses nothing."""
        if not self.connection:
            return
        try:
            closed = self.connection.recv(1, socket.MSG_PEEK) == b''
        except BlockingIOError:
            closed = False
        except OSError:
            closed = True
        if closed:
            self.load.idle_close += 1
            self._drop()

    def _drop(self):
        if self.connection:
            self.connection.close()
            self.connection = None


class Load:
    def __init__(self, port: int):
        self.port, self.stop = port, asyncio.Event()
        self.ok, self.lost, self.idle_close = [], [], 0

    async def run(self, new: int, keep: int, limit: float):
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop.set)
        loop.call_later(limit, self.stop.set)
        # Half of the keep-alive clients think between requests, half do not.
        clients = [Client(self, keep_alive=i >= new, thinks=i >= new and i % 2 == 1) for i in range(new + keep)]
        tasks = [asyncio.create_task(client.run()) for client in clients]
        await self.stop.wait()
        for hung in (await asyncio.wait(tasks, timeout=PATIENCE))[1]:
            self.lost.append((time.monotonic(), 'hung'))
            hung.cancel()


async def main(port: int, new: int, keep: int, limit: float):
    load = Load(port)
    await load.run(new, keep, limit)
    json.dump({'ok': load.ok, 'lost': load.lost, 'idle_close': load.idle_close}, sys.stdout)


if __name__ == '__main__':
    port, new, keep, limit = sys.argv[1:]
    asyncio.run(main(int(port), int(new), int(keep), float(limit)))
