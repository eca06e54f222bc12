#!/usr/bin/env bash
# The layering holds, and its check can fail: each rule is broken once in a copy of a small tree.
#
#   test.sh ROOT
set -euo pipefail
root=$(cd -- "$1" && pwd)
check=$root/tests/layering/check.sh
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# A tree that obeys.
plant() {
  rm -rf -- "${scratch:?}"/*
  mkdir -p "$scratch"/{ipc/{base,control,format,recorder},supervisor/{core,config,system,reevectl},worker/{http,include/reeve}}
  echo '#include <string>' >"$scratch/ipc/base/error.hpp"
  echo '#include "ipc/base/error.hpp"' >"$scratch/ipc/channel.hpp"
  echo '#include "ipc/base/clock.hpp"' >"$scratch/supervisor/core/pool.hpp"
  echo '#include "ipc/channel.hpp"' >"$scratch/supervisor/reevectl/main.cpp"
  echo '#include <uv.h>' >"$scratch/supervisor/system/loop.hpp"
  echo '#include "supervisor/core/pool.hpp"' >"$scratch/supervisor/config/load.cpp"
  echo '#include "ipc/channel.hpp"' >"$scratch/worker/http/server.cpp"
  echo '#include <chrono>' >"$scratch/worker/include/reeve/task.hpp"
}

# refuses FILE INCLUDE: this one more line in the tree is a violation, and the check names the file.
refuses() {
  local output
  plant
  echo "#include $2" >>"$scratch/$1"
  if output=$("$check" "$scratch" 2>&1); then fail "$1 may include $2"; fi
  [[ $output == *"$1"* ]] || fail "the check does not name $1: $output"
}

plant
"$check" "$scratch" || fail "a tree that obeys is refused"

refuses ipc/base/error.hpp '"ipc/channel.hpp"'
refuses ipc/channel.hpp '"ipc/recorder/reader.hpp"'
refuses ipc/format/dotenv.hpp '"ipc/channel.hpp"'
refuses ipc/recorder/reader.hpp '"ipc/control/protocol.hpp"'
refuses ipc/control/protocol.hpp '"ipc/recorder/reader.hpp"'
refuses ipc/channel.hpp '"supervisor/core/pool.hpp"'
refuses ipc/channel.hpp '"worker/http/server.hpp"'
refuses ipc/channel.hpp '<reeve/task.hpp>'
refuses supervisor/system/loop.hpp '"worker/http/server.hpp"'
refuses worker/http/server.cpp '"supervisor/core/pool.hpp"'
refuses supervisor/reevectl/main.cpp '"supervisor/config/config.hpp"'
refuses supervisor/core/pool.hpp '<uv.h>'
refuses supervisor/core/pool.hpp '"ipc/base/uv.hpp"'
refuses supervisor/core/pool.hpp '<spdlog/spdlog.h>'
refuses supervisor/core/pool.hpp '<unistd.h>'
refuses supervisor/core/pool.hpp '  <sys/wait.h>'
refuses supervisor/core/pool.hpp '"supervisor/system/loop.hpp"'
refuses supervisor/core/pool.hpp '"ipc/recorder/recorder.hpp"'
refuses supervisor/config/load.cpp '"supervisor/system/loop.hpp"'
refuses worker/include/reeve/task.hpp '<uv.h>'
refuses worker/include/reeve/task.hpp '<nlohmann/json_fwd.hpp>'
refuses ipc/channel.hpp '<nlohmann/json.hpp>'
refuses supervisor/config/load.hpp '<toml++/toml.h>'

plant
for user in one two three; do echo '#include <CLI/CLI.hpp>' >"$scratch/supervisor/$user.cpp"; done
if "$check" "$scratch" 2>/dev/null; then fail "three files may include CLI11"; fi

"$check" "$root" || fail "the layering of this tree"
