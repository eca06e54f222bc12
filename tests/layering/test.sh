#!/usr/bin/env bash
# The layering holds, and its check can fail: each rule is broken once in a copy of a small tree.
#
#   test.sh ROOT
#
# shellcheck disable=SC2016  # Backticks as they stand in the map.
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
  local folder
  rm -rf -- "${scratch:?}"/*
  mkdir -p "$scratch"/{ipc/{base,control},supervisor/{core,config,system,pool,reevectl},worker/{http,include/reeve}}
  cat >"$scratch/README.md" <<'MAP'
| folder | what it is for | may use |
| --- | --- | --- |
| `ipc/base` | ground | |
| `ipc` | both sides | `ipc/base` |
| `ipc/control` | the protocol | `ipc` |
| `supervisor/core` | decides | `ipc` |
| `supervisor/config` | reads | `ipc`, `core` |
| `supervisor/system` | kernel | `ipc`, `core/types` |
| `supervisor/pool` | carries out | `ipc`, `supervisor` |
| `supervisor/reevectl` | client | `ipc` |
| `worker/include/reeve` | public | |
| `worker/http` | serves | `ipc`, `include/reeve` |
MAP
  for folder in ipc ipc/base ipc/control supervisor/{core,config,system,pool,reevectl} worker/{http,include/reeve}; do
    echo "What it is for." >"$scratch/$folder/README.md"
  done
  echo '#include <string>' >"$scratch/ipc/base/error.hpp"
  echo '#include "ipc/base/error.hpp"' >"$scratch/ipc/channel.hpp"
  echo '#include "ipc/channel.hpp"' >"$scratch/ipc/control/client.hpp"
  echo '#include "ipc/base/clock.hpp"' >"$scratch/supervisor/core/pool.hpp"
  echo '#include "supervisor/core/pool.hpp"' >"$scratch/supervisor/config/load.hpp"
  printf '#include <uv.h>\n#include "supervisor/core/types.hpp"\n' >"$scratch/supervisor/system/loop.hpp"
  printf '#include "supervisor/system/loop.hpp"\n#include "ipc/control/client.hpp"\n' >"$scratch/supervisor/pool/runner.hpp"
  echo '// main() alone.' >"$scratch/supervisor/reevectl/main.cpp"
  echo '#include <reeve/task.hpp>' >"$scratch/worker/http/server.hpp"
  echo '#include <chrono>' >"$scratch/worker/include/reeve/task.hpp"
}

# violates WHAT NAMED: the tree is refused now, by a message that has NAMED in it.
violates() {
  local output
  if output=$("$check" "$scratch" 2>&1); then fail "allowed: $1"; fi
  [[ $output == *"$2"* ]] || fail "$1: the check does not say \"$2\": $output"
}

# refuses FILE INCLUDE: this one more line in the tree is a violation, and the check names the file.
refuses() {
  plant
  echo "#include $2" >>"$scratch/$1"
  violates "$1 includes $2" "$1"
}

plant
"$check" "$scratch" || fail "a tree that obeys is refused"

# Upwards, sideways, and what the row does not name.
refuses ipc/base/error.hpp '"ipc/channel.hpp"'
refuses ipc/channel.hpp '"ipc/control/client.hpp"'
refuses ipc/channel.hpp '"supervisor/core/pool.hpp"'
refuses ipc/channel.hpp '<reeve/task.hpp>'
refuses supervisor/core/pool.hpp '"supervisor/system/loop.hpp"'
refuses supervisor/config/load.hpp '"supervisor/system/loop.hpp"'
refuses supervisor/system/loop.hpp '"supervisor/core/pool.hpp"'
refuses supervisor/system/loop.hpp '"supervisor/pool/runner.hpp"'
refuses supervisor/system/loop.hpp '"worker/http/server.hpp"'
refuses supervisor/pool/runner.hpp '"supervisor/reevectl/main.hpp"'
refuses supervisor/pool/runner.hpp '"supervisor/nowhere/thing.hpp"'
refuses supervisor/pool/runner.hpp '"../core/pool.hpp"'
refuses supervisor/pool/runner.hpp '"tests/e2e/harness.hpp"'
refuses supervisor/reevectl/main.cpp '"supervisor/config/load.hpp"'
refuses worker/http/server.hpp '"supervisor/core/pool.hpp"'
refuses worker/include/reeve/task.hpp '"worker/http/server.hpp"'

# The map itself.
map_with() { # SED-EXPRESSION WHAT NAMED
  plant
  sed -i "$1" "$scratch/README.md"
  violates "$2" "$3"
}
map_with '/supervisor\/pool/d' 'a folder that is not in the map' 'supervisor/pool: not in the map'
map_with 's/^| `worker\/http.*/&\n| `worker\/jobs` | gone | |/' 'a row without a folder' 'has worker/jobs, which has no sources'
map_with 's/^| `worker\/http.*/&\n&/' 'a folder twice' 'has worker/http twice'
map_with 's/^| `supervisor\/core.*/| `supervisor\/core` | decides | `ipc`, `pool` |/' 'a row that names one below' 'may use supervisor/pool, which no row above it has'
map_with '/^| `/d' 'no map' 'not in the map'
# Two folders that include each other: whichever row stands first, one of them points up.
plant
echo '#include "supervisor/pool/runner.hpp"' >>"$scratch/supervisor/core/pool.hpp"
echo '#include "supervisor/core/pool.hpp"' >>"$scratch/supervisor/pool/runner.hpp"
violates 'two folders that include each other' 'supervisor/core may not use supervisor/pool'
sed -i -e '/supervisor\/pool/d' \
  -e 's/^| `supervisor\/core.*/| `supervisor\/pool` | carries out | `ipc`, `core` |\n| `supervisor\/core` | decides | `ipc`, `pool` |/' \
  "$scratch/README.md"
violates 'two folders whose rows name each other' 'supervisor/pool may not use supervisor/core'

# A folder.
plant
rm "$scratch/worker/http/README.md"
violates 'a folder without a charter' 'worker/http: no README.md'
plant
for name in part_{1..28}; do touch "$scratch/worker/include/reeve/$name.hpp" "$scratch/worker/include/reeve/$name"_more.hpp; done
"$check" "$scratch" || fail "the public headers are too many"
for name in part_{1..27}; do
  touch "$scratch/worker/http/$name.hpp"
  echo '// One of many.' >"$scratch/worker/http/$name.cpp"
done
"$check" "$scratch" || fail "28 sources are too many"
touch "$scratch/worker/http/one_more.hpp"
violates '29 sources' 'worker/http: 29 sources'

# A fragment.
plant
echo '#include "ipc/base/error.hpp"' >"$scratch/ipc/base/error.cpp"
violates 'a fragment' 'ipc/base/error.cpp:1'
for ((line = 2; line <= 40; line++)); do echo; done >>"$scratch/ipc/base/error.cpp"
"$check" "$scratch" || fail "40 lines are a fragment"

# What no row of the map may loosen.
refuses supervisor/core/pool.hpp '<uv.h>'
refuses supervisor/core/pool.hpp '"ipc/base/uv.hpp"'
refuses supervisor/core/pool.hpp '<spdlog/spdlog.h>'
refuses supervisor/core/pool.hpp '<unistd.h>'
refuses supervisor/core/pool.hpp '  <sys/wait.h>'
refuses supervisor/core/pool.hpp '"ipc/channel.hpp"'
refuses supervisor/config/load.hpp '<uv.h>'
refuses worker/include/reeve/task.hpp '<uv.h>'
refuses worker/include/reeve/task.hpp '<nlohmann/json_fwd.hpp>'
refuses ipc/channel.hpp '<nlohmann/json.hpp>'
refuses supervisor/config/load.hpp '<toml++/toml.h>'
plant
sed -i 's/^| `worker\/http.*/| `worker\/http` | serves | `supervisor`, `include\/reeve` |/' "$scratch/README.md"
echo '#include "supervisor/core/pool.hpp"' >>"$scratch/worker/http/server.hpp"
violates 'a row that lets the worker use the supervisor' 'the worker knows nothing of the supervisor'

plant
for user in one two three; do printf '// A user.\n#include <CLI/CLI.hpp>\n' >"$scratch/supervisor/core/$user.cpp"; done
violates 'three files with CLI11' 'CLI/: included by 3 files'

"$check" "$root" || fail "the layering of this tree"
