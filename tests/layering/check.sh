#!/usr/bin/env bash
# The layering of the code, as rules over its #include lines: who may include whom, and how far a heavy
# header may spread. Reads sources only; needs bash and grep.
#
#   check.sh [ROOT]   prints each violation as file:line and exits 1 when there is one
set -euo pipefail
shopt -s globstar nullglob
cd -- "${1:-.}"

violations=0

complain() {
  echo "$1" >&2
  violations=$((violations + 1))
}

# The C++ files below a folder.
sources() {
  local files=("$1"/**/*.hpp "$1"/**/*.cpp)
  ((${#files[@]} == 0)) || printf '%s\n' "${files[@]}"
}

# forbid WHY PATTERN FILE...: no file includes a header whose path matches the pattern.
forbid() {
  local why=$1 pattern=$2 hit
  shift 2
  (($#)) || return 0
  while IFS= read -r hit; do
    complain "$hit: $why"
  done < <(grep -HnE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($pattern)" "$@" || true)
}

# confine HEADER LIMIT FILE...: only .cpp files include it, and at most LIMIT of them.
confine() {
  local header=$1 limit=$2 file users=()
  shift 2
  while IFS= read -r file; do
    users+=("$file")
    [[ $file == *.cpp ]] || complain "$file: a header includes $header, which is slow to compile"
  done < <(grep -lE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]$header" "$@" || true)
  ((${#users[@]} <= limit)) ||
    complain "$header: included by ${#users[@]} files (${users[*]}), at most $limit may"
}

mapfile -t ipc_base < <(sources ipc/base)
mapfile -t ipc < <(sources ipc)
mapfile -t ipc_format < <(sources ipc/format)
mapfile -t ipc_recorder < <(sources ipc/recorder)
mapfile -t ipc_control < <(sources ipc/control)
mapfile -t supervisor < <(sources supervisor)
mapfile -t core < <(sources supervisor/core)
mapfile -t config < <(sources supervisor/config)
mapfile -t reevectl < <(sources supervisor/reevectl)
mapfile -t worker < <(sources worker)
mapfile -t public < <(sources worker/include/reeve)
((${#ipc[@]} && ${#supervisor[@]} && ${#worker[@]})) || complain "no sources below $PWD"

# Downwards only.
forbid 'ipc/base knows nothing above it' 'ipc/[^b]|ipc/b[^a]|supervisor/|worker/|reeve/' "${ipc_base[@]}"
forbid 'ipc/format uses ipc/base only' 'ipc/([^bf]|b[^a]|f[^o])' "${ipc_format[@]}"
forbid 'the messages between two processes know their fields, and neither recorder nor control protocol' \
  'ipc/(control|recorder|format/[^f])' ipc/*.hpp ipc/*.cpp
forbid 'ipc/recorder uses ipc and ipc/base only' 'ipc/(control|format)/' "${ipc_recorder[@]}"
forbid 'ipc/control uses ipc, ipc/base and ipc/format only' 'ipc/recorder/' "${ipc_control[@]}"
forbid 'ipc knows neither supervisor nor worker' 'supervisor/|worker/|reeve/' "${ipc[@]}"
forbid 'the supervisor knows nothing of the worker' 'worker/|reeve/' "${supervisor[@]}"
forbid 'the worker knows nothing of the supervisor' 'supervisor/' "${worker[@]}"
forbid 'reevectl knows the control protocol only' 'supervisor/([^r]|r[^e])' "${reevectl[@]}"
forbid 'the core knows only itself and what is pure in ipc' \
  'supervisor/([^c]|c[^o]|con)|ipc/(channel|control|listen|notify|recorder/([^lr]|rec))|ipc/base/(uv|unique_fd)' \
  "${core[@]}"
forbid 'the configuration does nothing' 'supervisor/([^c]|cont)|uv\.h|ipc/base/uv' "${config[@]}"

forbid 'the helper knows the configuration, types of the core and ipc only' \
  'supervisor/(control|core/[^t]|deploy|listen|log|master|pool|postmortem|process|reevectl|system|upgrade)' \
  supervisor/helper/*.hpp supervisor/helper/*.cpp

# The core decides: no loop, no system call, no log.
forbid 'the core makes no system calls and logs nothing' \
  'uv\.h|ipc/base/uv|spdlog/|sys/|unistd\.h|fcntl\.h|poll\.h|signal\.h|csignal|time\.h|ctime|iostream' \
  "${core[@]}"

# What a user of the library compiles against.
forbid 'a public header shows no dependency' 'uv\.h|spdlog/|llhttp|nlohmann/|toml|CLI/|cctz/|ipc/base/uv' \
  "${public[@]}"

# Heavy headers.
for header in CLI/ toml++/ nlohmann/ cctz/; do
  confine "${header//+/\\+}" 2 "${ipc[@]}" "${supervisor[@]}" "${worker[@]}"
done

if ((violations)); then
  echo "$violations violations of the layering" >&2
  exit 1
fi
