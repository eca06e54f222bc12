"""The servers that are measured. A new one is a subclass of Peer and a line in PEERS.

Each answers / with 13 bytes and X-Pid, and /slow after two seconds.
"""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time

from processes import alive, children, kill, tree, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BIN = os.environ.get('REEVE_BIN', os.path.join(ROOT, 'build/release/bin'))
ENVIRONMENT = {'PATH': '/usr/sbin:/usr/bin:/sbin:/bin', 'HOME': '/nonexistent', 'LANG': 'C.UTF-8',
               'PYTHONDONTWRITEBYTECODE': '1'}
ROLL_LIMIT = 20  # seconds


class Peer:
    name = ''
    program = ''            # what must be installed
    version_command = []
    can_roll = True
    most_workers = 500      # more would take too long to start
    slow = False            # measured once, whatever the number of repetitions
    slow_path = '/slow'     # takes two seconds

    def __init__(self, directory: str, port: int, count: int):
        self.directory, self.port, self.count = directory, port, count
        self.helpers: set[int] = set()  # processes of the harness itself
        self.configure()

    # What a peer may override.

    def configure(self):
        """Writes configuration files into self.directory, which is removed afterwards."""

    def command(self) -> list[str]:
        """The master, in the foreground."""
        raise NotImplementedError

    def workers(self) -> set[int]:
        return children(self.master)

    def environment(self) -> dict[str, str]:
        return ENVIRONMENT

    def all_ready(self) -> bool:
        return len(self.workers()) == self.count

    def close(self):
        """After the end of all processes."""

    def roll(self):
        """Replaces all workers, gracefully; returns once the new ones serve. The default: HUP, until the
        old ones are gone and the new ones there."""
        old = self.workers()
        self.signal('HUP')
        self.await_roll(lambda: not old & self.tree() and len(self.workers()) == self.count)

    # The same for all.

    @classmethod
    def installed(cls) -> bool:
        return shutil.which(cls.program, path=ENVIRONMENT['PATH']) is not None

    @classmethod
    def version(cls) -> str:
        run = subprocess.run(cls.version_command, env=ENVIRONMENT, capture_output=True, text=True, timeout=30)
        words = (run.stdout + run.stderr).replace('/', ' ').split()
        return next((word.strip('v()') for word in words if word.strip('v()')[:1].isdigit()), '?')

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def write(self, name: str, text: str) -> str:
        with open(self.path(name), 'w') as file:
            file.write(text)
        return self.path(name)

    def start(self):
        with open(self.path('log'), 'w') as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(self.command(), cwd=f'{HERE}/apps', env=self.environment(), stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        self.master = self.process.pid

    def signal(self, name: str):
        if not alive(self.master):
            raise ProcessLookupError(f'{self.name}: the master has died')
        os.kill(self.master, signal.Signals[f'SIG{name}'])

    def await_roll(self, done):
        if wait_until(done, ROLL_LIMIT) is None:
            raise TimeoutError(f'{self.name}: no roll within {ROLL_LIMIT} s')

    def tree(self) -> set[int]:
        """All of the peer's processes, orphans too: the harness adopts them."""
        return tree(os.getpid()) - self.helpers

    def gone(self) -> bool:
        return not alive(self.master) and not self.tree()

    def kill(self):
        kill(self.tree)
        self.process.poll()
        self.close()


class Reeve(Peer):
    """`reeve run`, two native workers. hello has no /slow: `ReeveProbe` takes its place there."""
    name = 'reeve'
    program = f'{BIN}/reeve'
    version_command = [f'{BIN}/reeve', 'version']
    worker = 'hello'
    slow_path = None

    def configure(self):
        self.write('reeve.toml', f'''
[supervisor]
name = "bench"
runtime_dir = "{self.directory}"

[listen.http]
address = "127.0.0.1:{self.port}"

[pool.web]
{self.program_keys()}
workers = {self.count}
listen  = ["http"]
''')

    def program_keys(self) -> str:
        return f'command = ["{BIN}/{self.worker}"]'

    def command(self):
        return [f'{BIN}/reeve', 'run', '-c', self.path('reeve.toml')]

    def control(self, *arguments: str) -> str:
        run = subprocess.run([f'{BIN}/reevectl', '-s', self.path('control.sock'), *arguments], env=ENVIRONMENT,
                             capture_output=True, text=True, timeout=ROLL_LIMIT)
        if run.returncode:
            raise OSError(f'reevectl {" ".join(arguments)}: {run.returncode}: {run.stdout}{run.stderr}')
        return run.stdout

    def environment(self):
        """Its master tells when all workers are ready, as it tells systemd: asking would keep it busy."""
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.notify.bind(self.path('notify'))
        self.said_ready = False
        return ENVIRONMENT | {'NOTIFY_SOCKET': self.path('notify')}

    def all_ready(self):
        with contextlib.suppress(BlockingIOError):
            while not self.said_ready:
                self.said_ready = 'READY=1' in self.notify.recv(65536).decode().split('\n')
        return self.said_ready

    def close(self):
        self.notify.close()

    def roll(self):
        self.control('restart', 'web')


class ReeveProbe(Reeve):
    name = 'reeve-probe'
    program = f'{BIN}/probe'
    worker = 'probe'
    slow_path = '/slow?ms=2000'


class Uvicorn(Peer):
    """One uvicorn that nobody supervises."""
    name = 'uvicorn'
    program = 'uvicorn'

    def command(self):
        return ['uvicorn', '--port', str(self.port), '--no-access-log', 'asgi:app']

    def workers(self):
        return {self.master}


class ReeveUvicorn(Reeve):
    """Uvicorn as the README's recipe has it."""
    name = 'reeve-uvicorn'

    def program_keys(self):
        return """command = ["uvicorn", "--fd", "${fd:http}", "--no-access-log", "asgi:app"]
ready = { log = "startup complete" }"""


class Nginx(Peer):
    name = 'nginx'
    program = 'nginx'
    version_command = ['nginx', '-v']

    def configure(self):
        user = 'user root;' if os.geteuid() == 0 else ''
        # nginx cannot sleep: its /slow is a response that takes about two seconds to send.
        self.write('nginx.conf', f'''
daemon off; {user} pid {self.directory}/pid; error_log stderr; worker_processes {self.count};
events {{ worker_connections 1024; }}
http {{
  access_log off; default_type text/plain; add_header X-Pid $pid;
  client_body_temp_path {self.directory}; proxy_temp_path {self.directory};
  fastcgi_temp_path {self.directory}; uwsgi_temp_path {self.directory}; scgi_temp_path {self.directory};
  server {{
    listen 127.0.0.1:{self.port};
    location / {{ return 200 'Hello, World!'; }}
    location = /slow {{ limit_rate 1000; return 200 '{'x' * 2600}'; }}
  }}
}}''')

    def command(self):
        return ['nginx', '-p', self.directory, '-c', self.path('nginx.conf')]


class Ceiling(Peer):
    """What the kernel and wrk allow: prefork, epoll, one fixed response, no parser."""
    name = 'ceiling'
    program = 'cc'
    version_command = ['cc', '-dumpfullversion']
    can_roll, slow_path = False, None

    def configure(self):
        subprocess.run(['cc', '-O2', '-o', self.path('ceiling'), f'{HERE}/apps/ceiling.c'], check=True)

    def command(self):
        return [self.path('ceiling'), str(self.port), str(self.count)]


class Gunicorn(Peer):
    name = 'gunicorn'
    program = 'gunicorn'
    version_command = ['gunicorn', '--version']
    worker_class, app = 'sync', 'wsgi:app'
    most_workers, slow = 100, True

    def command(self):
        return ['gunicorn', '-b', f'127.0.0.1:{self.port}', '-w', str(self.count), '-k', self.worker_class,
                '--log-level', 'warning', self.app]


class GunicornUvicorn(Gunicorn):
    name = 'gunicorn-uvicorn'
    worker_class, app = 'uvicorn.workers.UvicornWorker', 'asgi:app'


class Supervisord(Peer):
    """supervisord binds one socket for uvicorns, as an fcgi-program; its restart stops each before it starts it."""
    name = 'supervisord'
    program = 'supervisord'
    version_command = ['supervisord', '--version']
    most_workers, slow = 10, True  # 100 uvicorns are a minute and a half of booting

    def configure(self):
        user = 'user=root' if os.geteuid() == 0 else ''
        self.write('supervisord.conf', f'''
[supervisord]
nodaemon=true
{user}
logfile={self.directory}/supervisord.log
pidfile={self.directory}/pid
childlogdir={self.directory}
minfds=1024
[unix_http_server]
file={self.directory}/sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{self.directory}/sock
[fcgi-program:web]
socket=tcp://127.0.0.1:{self.port}
socket_backlog=2048
command=uvicorn --fd 0 --no-access-log --log-level warning asgi:app
process_name=%(process_num)d
numprocs={self.count}
''')

    def command(self):
        return ['supervisord', '-c', self.path('supervisord.conf')]

    def roll(self):
        for number in range(self.count):
            subprocess.run(['supervisorctl', '-c', self.path('supervisord.conf'), 'restart', f'web:{number}'],
                           env=ENVIRONMENT, capture_output=True, timeout=ROLL_LIMIT, check=True)


class Puma(Peer):
    name = 'puma'
    program = 'puma'
    version_command = ['puma', '--version']

    def configure(self):
        self.write('puma.rb', f'''
bind 'tcp://127.0.0.1:{self.port}'
workers {self.count}
threads 5, 5
preload_app! false
environment 'production'
''')

    def command(self):
        return ['puma', '-q', '-C', self.path('puma.rb'), 'config.ru']

    def roll(self):  # USR1: a phased restart
        old = self.workers()
        self.signal('USR1')
        self.await_roll(lambda: not old & self.tree() and len(self.workers()) == self.count)


class Unicorn(Peer):
    name = 'unicorn'
    program = 'unicorn'
    version_command = ['unicorn', '--version']

    def configure(self):
        self.write('unicorn.rb', f'''
listen '127.0.0.1:{self.port}'
worker_processes {self.count}
preload_app false
pid '{self.directory}/pid'
''')

    def command(self):
        return ['unicorn', '-E', 'production', '-c', self.path('unicorn.rb'), 'config.ru']


class Node(Peer):
    """Node's cluster module has no supervisor of its own: apps/cluster.js is the smallest sensible one."""
    name = 'node'
    program = 'node'
    version_command = ['node', '--version']

    def command(self):
        return ['node', 'cluster.js', str(self.port), str(self.count)]


PEERS = {peer.name: peer for peer in (Reeve, Nginx, Gunicorn, Supervisord, Ceiling, GunicornUvicorn, Puma, Unicorn,
                                      Node)}
