"""An HTTP client that never retries and tells how a request was lost."""
import socket


class Lost(Exception):
    """One word: refused, reset (no byte of the response came), empty (closed instead of a response),
    incomplete, timeout, 5xx, 'status N', client (out of our own resources)."""


def request(path: str, keep_alive: bool) -> bytes:
    connection = 'keep-alive' if keep_alive else 'close'
    return f'GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: {connection}\r\n\r\n'.encode()


class Response:
    """A response as it comes in, piece by piece."""

    def __init__(self):
        self.data = b''
        self.status = 0  # 0 until the head is complete
        self.version = ''
        self.headers: dict[str, str] = {}
        self.end = None  # length of the whole, where Content-Length tells

    def feed(self, piece: bytes) -> bool:
        """Takes what recv returned, b'' at the end of the stream. True once the response is complete."""
        self.data += piece
        if not self.status:
            self._read_head()
        complete = self._complete(closed=not piece)
        if not piece and not complete:
            raise Lost('incomplete' if self.data else 'empty')
        if complete and self.status != 200:
            raise Lost('5xx' if self.status >= 500 else f'status {self.status}')
        return complete

    def _read_head(self):
        head, found, _ = self.data.partition(b'\r\n\r\n')
        if not found:
            return
        status_line, *lines = head.decode('latin1').split('\r\n')
        self.version, self.status = status_line[:8], int(status_line.split()[1])
        self.headers = {key.lower(): value.strip() for key, _, value in (line.partition(':') for line in lines)}
        if 'content-length' in self.headers:
            self.end = len(head) + 4 + int(self.headers['content-length'])

    def _complete(self, closed: bool) -> bool:
        if not self.status:
            return False
        if self.end is not None:
            return len(self.data) >= self.end
        if 'chunked' in self.headers.get('transfer-encoding', ''):
            return self.data.endswith(b'\r\n0\r\n\r\n')
        return closed

    def lost(self, error: OSError) -> Lost:
        """What an error of the socket means at this point of the response."""
        if isinstance(error, TimeoutError):
            return Lost('timeout')
        return Lost('incomplete' if self.data else 'reset')

    @property
    def keep_alive(self) -> bool:
        default = 'keep-alive' if self.version == 'HTTP/1.1' else 'close'
        return self.headers.get('connection', default).lower() != 'close'

    @property
    def pid(self) -> int:
        return int(self.headers.get('x-pid', 0))


def connect_lost(error: OSError) -> Lost:
    for kind, word in ((ConnectionRefusedError, 'refused'), (ConnectionResetError, 'reset'), (TimeoutError, 'timeout')):
        if isinstance(error, kind):
            return Lost(word)
    return Lost('client')


def send(port: int, path: str = '/', keep_alive: bool = False, timeout: float = 10) -> socket.socket:
    """Connects and sends one request."""
    try:
        connection = socket.create_connection(('127.0.0.1', port), timeout)
    except OSError as error:
        raise connect_lost(error) from error
    connection.sendall(request(path, keep_alive))
    return connection


def receive(connection: socket.socket) -> Response:
    response = Response()
    try:
        while not response.feed(connection.recv(65536)):
            pass
    except OSError as error:
        raise response.lost(error) from error
    return response


def get(port: int, path: str = '/', timeout: float = 10) -> Response:
    with send(port, path, timeout=timeout) as connection:
        return receive(connection)


def outcome(port: int, path: str = '/', timeout: float = 10) -> str:
    """'ok', or how the request was lost."""
    try:
        get(port, path, timeout)
        return 'ok'
    except Lost as lost:
        return str(lost)
    except OSError:  # sendall: the peer closed what it had just accepted
        return 'reset'
