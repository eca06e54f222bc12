#!/usr/bin/env bash
# One test of what is installed; the first one installs it.
#
#   test.sh NAME CMAKE BUILD PREFIX CXX VERSION
set -euo pipefail
name=$1 cmake=$2 build=$3 prefix=$4 cxx=$5 version=$6
here=$(cd -- "$(dirname -- "$0")" && pwd)

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

Installs() {
  rm -rf -- "$prefix"
  "$cmake" --install "$build" --prefix "$prefix" >/dev/null
  [[ $("$prefix/bin/reeve" version) == "reeve $version" ]] || fail "bin/reeve is not version $version"
  [[ $("$prefix/bin/reevectl" --version) == *"$version" ]] || fail "bin/reevectl is not version $version"
  local file
  for file in share/doc/reeve/{LICENSE,configs/hello.toml,supervisor/docs/reevectl.md,worker/{examples/hello.cpp,docs/testing.md}} \
    lib/{sysusers,tmpfiles}.d/reeve.conf include/reeve/reeve.hpp; do
    [[ -f $prefix/$file ]] || fail "there is no $file"
  done
}

TheUnitRunsTheInstalledBinary() {
  grep -q "^ExecStart=$prefix/bin/reeve run " "$prefix/lib/systemd/system/reeve.service" ||
    fail "the unit starts another reeve: $(grep ExecStart= "$prefix/lib/systemd/system/reeve.service")"
}

# Each public header compiles alone, and without any header that is not installed.
HeadersStandAlone() {
  find "$prefix/include/reeve" -name '*.hpp' -print0 |
    xargs -0 -P "$(nproc)" -I '{}' \
      "$cxx" -std=c++23 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wno-missing-field-initializers \
      -Werror -fsyntax-only -isystem "$prefix/include" -include '{}' -x c++ /dev/null
}

# The programs in the pages compile; their fragments have to be read.
ProgramsOfThePagesCompile() {
  local scratch programs
  scratch=$(mktemp -d)
  # shellcheck disable=SC2064  # This very folder.
  trap "rm -rf -- '$scratch'" EXIT
  awk -v to="$scratch/" '
    /^```/ && inside { inside = 0; if (text ~ /int main\(/) { programs += 1; printf "%s", text > (to programs ".cpp") } }
    inside { text = text $0 "\n" }
    /^```cpp$/ { inside = 1; text = "" }' "$prefix"/share/doc/reeve/worker/docs/*.md
  programs=("$scratch"/*.cpp)
  [[ ${#programs[@]} -ge 2 ]] || fail "the pages have ${#programs[@]} programs"
  "$cxx" -std=c++23 -Wall -Wextra -Werror -fsyntax-only -isystem "$prefix/include" -include reeve/reeve.hpp "${programs[@]}"
}

# What is missing is named, with the package to install.
AMissingLibraryIsNamed() {
  local scratch
  scratch=$(mktemp -d)
  # shellcheck disable=SC2064  # This very folder.
  trap "rm -rf -- '$scratch'" EXIT
  ! PKG_CONFIG_LIBDIR=$scratch PKG_CONFIG_PATH='' "$cmake" -S "$here/consumer" -B "$scratch/build" -G Ninja \
    -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_PREFIX_PATH="$prefix" -DREEVE_VERSION="$version" >"$scratch/log" 2>&1 ||
    fail "it does without libuv"
  grep -q libuv1-dev "$scratch/log" || fail "libuv is missing, and not named: $(cat "$scratch/log")"
}

# Another project, of one file, finds the package, builds, and passes its own test.
AProgramFindsIt() {
  local scratch
  scratch=$(mktemp -d)
  # shellcheck disable=SC2064  # This very folder.
  trap "rm -rf -- '$scratch'" EXIT
  "$cmake" -S "$here/consumer" -B "$scratch" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_PREFIX_PATH="$prefix" -DREEVE_VERSION="$version" >"$scratch/log" 2>&1 &&
    "$cmake" --build "$scratch" >>"$scratch/log" 2>&1 || fail "$(cat "$scratch/log")"
  [[ $("$scratch/consumer") == "200 hello from the consumer!" ]] || fail "the consumer does not answer"
}

"$name"
