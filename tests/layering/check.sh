#!/usr/bin/env bash
# The layering of the code, read from its sources and from the map in README.md: who may include whom, how far a
# heavy header may spread, and how large a folder may grow. Needs bash, grep and coreutils.
#
# The map has a row for each folder, in the order in which to read them. A folder may name only folders above it, so
# no two can include each other, directly or in a circle.
#
#   check.sh [ROOT]   prints each violation, with its file, and exits 1 when there is one
set -euo pipefail
shopt -s globstar nullglob
cd -- "${1:-.}"

# A .cpp and its .hpp count once. The public headers are one folder, since users include them from one.
readonly most_sources=28 crowded_by_design=worker/include/reeve
readonly fewest_lines=40

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

# --- the map --------------------------------------------------------------------------------------

declare -A place=() may_use=()  # by folder: its row, counted from 1; the paths that it may include, each with a blank behind

# | `folder` | what it is for | `name`, `name` |     A name is a path, or one relative to the folder above.
# shellcheck disable=SC2016  # Backticks as they stand in the file.
read_map() {
  local row folder uses name
  while IFS= read -r row; do
    IFS='|' read -r _ folder _ uses _ <<<"$row"
    folder=${folder//[\` ]/}
    [[ ! -v place[$folder] ]] || complain "README.md: the map has $folder twice"
    place[$folder]=$((${#place[@]} + 1))
    may_use[$folder]=
    for name in ${uses//[\`,]/ }; do
      [[ $name =~ ^(ipc|supervisor|worker)(/|$) ]] || name=${folder%/*}/$name
      stands_above "$name" "$folder" || complain "README.md: $folder may use $name, which no row above it has"
      may_use[$folder]+="$name "
    done
  done < <(grep -E '^\| `(ipc|supervisor|worker)(/[a-z_/]+)?` \|' README.md || true)
}

# A name covers the folder, those inside it, and the header (core/types) that it may be.
stands_above() {
  local known
  for known in "${!place[@]}"; do
    [[ $known/ == "$1"/* || $1 == "$known"/* ]] && ((place[$known] < place[$2])) && return 0
  done
  return 1
}

allows() { # FOLDER TARGET HEADER
  local name
  [[ -v place[$2] ]] && ((place[$2] < place[$1])) || return 1
  for name in ${may_use[$1]}; do
    [[ $2/ == "$name"/* || $3 == "$name".hpp ]] && return 0
  done
  return 1
}

check_folder() { # FOLDER
  local folder=$1 files=("$1"/*.hpp "$1"/*.cpp) hit file line header target count
  [[ -v place[$folder] ]] || { complain "$folder: not in the map of README.md" && return; }
  [[ -s $folder/README.md ]] || complain "$folder: no README.md says what it is for"

  while IFS= read -r hit; do
    IFS=: read -r file line header <<<"$hit"
    header=${header#*[<\"]} header=${header%%[>\"]*}
    [[ $header != reeve/* ]] || header=worker/include/$header
    target=${header%/*}
    [[ $target == "$folder" ]] || allows "$folder" "$target" "$header" ||
      complain "$file:$line: $folder may not use $target: see the map of README.md"
  done < <(grep -HnoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*[<"](ipc|supervisor|worker|reeve)/[^">]*' "${files[@]}" || true)
  forbid 'a path of its own outside the map' '[^>"]*\.\./|tests/' "${files[@]}"

  count=$(printf '%s\n' "${files[@]%.?pp}" | sort -u | wc -l)
  [[ $folder == "$crowded_by_design" ]] || ((count <= most_sources)) ||
    complain "$folder: $count sources, at most $most_sources: it has more than one subject"
}

# A fragment belongs to its whole, unless its first line says why it stands alone.
check_fragments() { # FILE...
  local lines file
  while read -r lines file; do
    [[ $file == *.cpp ]] || continue
    ((lines >= fewest_lines)) || [[ $(head -n 1 "$file") == //* ]] ||
      complain "$file:1: $lines lines, and no comment that says why it is a file"
  done < <(wc -l "$@")
}

mapfile -t ipc < <(sources ipc)
mapfile -t supervisor < <(sources supervisor)
mapfile -t core < <(sources supervisor/core)
mapfile -t config < <(sources supervisor/config)
mapfile -t worker < <(sources worker)
mapfile -t public < <(sources worker/include/reeve)
((${#ipc[@]} && ${#supervisor[@]} && ${#worker[@]})) || complain "no sources below $PWD"
all=("${ipc[@]}" "${supervisor[@]}" "${worker[@]}")

read_map
mapfile -t folders < <(dirname "${all[@]}" | sort -u)
for folder in "${folders[@]}"; do check_folder "$folder"; done
for folder in "${!place[@]}"; do
  [[ " ${folders[*]} " == *" $folder "* ]] || complain "README.md: the map has $folder, which has no sources"
done
check_fragments "${all[@]}"

# --- rules that no row of the map may loosen --------------------------------------------------------

forbid 'ipc knows neither supervisor nor worker' 'supervisor/|worker/|reeve/' "${ipc[@]}"
forbid 'the supervisor knows nothing of the worker' 'worker/|reeve/' "${supervisor[@]}"
forbid 'the worker knows nothing of the supervisor' 'supervisor/' "${worker[@]}"

# The core decides: no loop, no system call, no log, no clock.
forbid 'the core knows what is pure in ipc' 'ipc/(channel|control|listen|notify|recorder/([^lr]|rec)|base/(uv|unique_fd))' "${core[@]}"
forbid 'the core makes no system calls and logs nothing' \
  'uv\.h|spdlog/|sys/|unistd\.h|fcntl\.h|poll\.h|signal\.h|csignal|time\.h|ctime|iostream' "${core[@]}"
forbid 'the configuration does nothing' 'uv\.h|ipc/base/uv' "${config[@]}"

# What a user of the library compiles against.
forbid 'a public header shows no dependency' 'uv\.h|spdlog/|llhttp|nlohmann/|toml|CLI/|cctz/|ipc/base/uv' "${public[@]}"

# Heavy headers.
for header in CLI/ toml++/ nlohmann/ cctz/; do
  confine "${header//+/\\+}" 2 "${all[@]}"
done

if ((violations)); then
  echo "$violations violations of the layering" >&2
  exit 1
fi
