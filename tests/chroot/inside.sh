#!/usr/bin/env bash
# Run by run.sh inside the chroot: `./dev run` until it serves, then `./dev test`.
set -euo pipefail
cd /src

export HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
unset XDG_CACHE_HOME XDG_RUNTIME_DIR

serves() {
  exec 3<>/dev/tcp/127.0.0.1/8000 || return 1
  printf 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
  grep -q 'Hello, World!' <&3
}

echo "== ./dev run"
./dev run &
run=$!
until (serves) 2>/dev/null; do
  if ! kill -0 "$run" 2>/dev/null; then
    wait "$run"  # Its exit code is ours: 69 where a package cannot be installed.
    echo "chroot: ./dev run has ended without serving" >&2
    exit 1
  fi
  sleep 0.5
done
kill -TERM "$run"
wait "$run"

echo "== ./dev test"
./dev test
