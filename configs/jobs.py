"""A queue consumer that knows nothing of Reeve but sd_notify(3): it says that it is ready and that it
is alive, and ends after the job in hand when it gets SIGTERM."""
import os
import signal
import socket
import threading

ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())


def notify(text):
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.connect("\0" + path[1:] if path.startswith("@") else path)
            to.send(text.encode())


print("consuming", os.environ.get("SHOP_QUEUE", "nothing"), flush=True)
notify("READY=1\nSTATUS=waiting for jobs")
while not ended.wait(float(os.environ.get("SHOP_PAUSE", "0.5"))):
    notify("WATCHDOG=1")
notify("STOPPING=1")
