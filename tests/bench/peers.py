"""The servers that are measured. A new one is a subclass of Peer and a line in PEERS.

Each answers / with 13 bytes and X-Pid, and /slow after two seconds.
"""
import os
import shutil
import signal
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

    def all_ready(self) -> bool:
        return len(self.workers()) == self.count

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
        return next((word.lstrip('v') for word in words if word.lstrip('v')[:1].isdigit()), '?')

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def write(self, name: str, text: str) -> str:
        with open(self.path(name), 'w') as file:
            file.write(text)
        return self.path(name)

    def start(self):
        with open(self.path('log'), 'w') as log:
            self.started = time.monotonic()
            self.process = subprocess.Popen(self.command(), cwd=f'{HERE}/apps', env=ENVIRONMENT, stdout=log,
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
command = ["{BIN}/{self.worker}"]
workers = {self.count}
listen  = ["http"]
''')

    def command(self):
        return [f'{BIN}/reeve', 'run', '-c', self.path('reeve.toml')]

    def control(self, *arguments: str) -> str:
        run = subprocess.run([f'{BIN}/reevectl', '-s', self.path('control.sock'), *arguments], env=ENVIRONMENT,
                             capture_output=True, text=True, timeout=ROLL_LIMIT)
        if run.returncode:
            raise OSError(f'reevectl {" ".join(arguments)}: {run.returncode}: {run.stdout}{run.stderr}')
        return run.stdout

    def all_ready(self):
        return super().all_ready() and self.control('status').count('RUNNING') == self.count

    def roll(self):
        self.control('restart', 'web')


class ReeveProbe(Reeve):
    name = 'reeve-probe'
    program = f'{BIN}/probe'
    worker = 'probe'
    slow_path = '/slow?ms=2000'


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

    def command(self):
        return ['gunicorn', '-b', f'127.0.0.1:{self.port}', '-w', str(self.count), '-k', self.worker_class,
                '--log-level', 'warning', self.app]


class GunicornUvicorn(Gunicorn):
    name = 'gunicorn-uvicorn'
    worker_class, app = 'uvicorn.workers.UvicornWorker', 'asgi:app'


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


PEERS = {peer.name: peer for peer in (Reeve, Nginx, Ceiling, Gunicorn, GunicornUvicorn, Puma, Unicorn, Node)}
