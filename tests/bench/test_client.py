"""The client tells the ways of losing a request apart. Run by ctest: python3 -m unittest test_client.py"""
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import unittest

from client import outcome

HERE = os.path.dirname(os.path.abspath(__file__))
OK = b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'


def close(connection: socket.socket, reset: bool = False):
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()


def serve(handler) -> int:
    """The port of a server that runs handler(connection) for each connection, one after the other."""
    listener = socket.create_server(('127.0.0.1', 0), backlog=128)

    def accept():
        while True:
            handler(listener.accept()[0])
    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def answering(data: bytes, reset: bool = False):
    def handler(connection):
        connection.recv(4096)
        connection.sendall(data)
        close(connection, reset)
    return handler


def answers_once_then_closes_on_the_second_request(connection):
    connection.recv(4096)
    connection.sendall(OK)
    connection.recv(4096)
    connection.close()


def load(handler, new: int, keep: int):
    run = subprocess.run([sys.executable, f'{HERE}/load.py', str(serve(handler)), str(new), str(keep), '0.3'],
                         capture_output=True, timeout=30, check=True)
    data = json.loads(run.stdout)
    return data['ok'], {word for _, word in data['lost']}, data['idle_close']


class OneRequest(unittest.TestCase):
    def test_each_loss_has_its_word(self):
        for word, handler in {
            'ok': answering(OK), 'empty': answering(b''), 'reset': answering(b'', reset=True),
            'incomplete': answering(OK[:-1]), '5xx': answering(OK.replace(b'200', b'503')),
            'status 404': answering(OK.replace(b'200', b'404')),
        }.items():
            with self.subTest(word):
                self.assertEqual(outcome(serve(handler)), word)

    def test_silence_is_a_timeout(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            self.assertEqual(outcome(listener.getsockname()[1], timeout=0.2), 'timeout')

    def test_nobody_listening_is_refused(self):
        with socket.create_server(('127.0.0.1', 0)) as listener:
            port = listener.getsockname()[1]
        self.assertEqual(outcome(port), 'refused')


class UnderLoad(unittest.TestCase):
    def test_each_loss_has_its_word(self):
        for word, handler in {'empty': answering(b''), 'reset': answering(b'', reset=True),
                              'incomplete': answering(OK[:-1])}.items():
            with self.subTest(word):
                self.assertEqual(load(handler, new=2, keep=0)[1:], ({word}, 0))

    def test_a_close_in_answer_to_a_reused_connection_is_a_race(self):
        ok, lost, _ = load(answers_once_then_closes_on_the_second_request, new=0, keep=1)
        self.assertTrue(ok)
        self.assertEqual(lost, {'keep-alive race'})

    def test_a_close_between_requests_is_no_loss(self):
        ok, lost, idle_close = load(answering(OK), new=0, keep=2)
        self.assertTrue(ok and idle_close)
        self.assertLessEqual(lost, {'keep-alive race'})  # Now and then the request is already on its way.


if __name__ == '__main__':
    unittest.main()
