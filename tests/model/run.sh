#!/usr/bin/env bash
# Checks the model of reeve.pml exhaustively. `run.sh` checks that it holds; `run.sh --mutants` that
# each known mistake is found, so that the properties can fail.
set -euo pipefail

model=$(dirname -- "$(readlink -f -- "$0")")/reeve.pml
work=$(mktemp -d)
readonly model work
trap 'rm -rf "$work"' EXIT
cd "$work"

die() {
  echo "model: $*" >&2
  exit 1
}

for tool in spin gcc; do
  command -v "$tool" >/dev/null || die "$tool is not installed (Debian packages spin and gcc)"
done

# generate NAME [DEFINE...]: the checker of the model with these settings, as C.
generate() {
  local name=$1
  shift
  mkdir "$name"
  (
    cd "$name"
    spin "${@/#/-D}" -a "$model" >spin.log 2>&1 && ! grep -qi error spin.log ||
      { cat spin.log >&2; die "spin cannot read $model"; }
  )
}

# check NAME PROPERTY [OPTIMIZATION]: prints one line; succeeds when every run of the model has the
# property. A search that was cut short has proved nothing, and ends the script.
check() {
  local name=$1 property=$2 log=$1/$2.log states errors
  local compile=(gcc "${3:--O1}" -w -DMEMLIM=3000 -o "$name/checker" "$name/pan.c")
  local check=("$name/checker" -E -m20000)
  case $property in
    invariants) compile+=(-DNOCLAIM) ;;
    *) check+=(-a -A -N "$property") ;;
  esac
  "${compile[@]}"
  "${check[@]}" >"$log" 2>&1 || true
  ! grep -q 'too small\|out of memory\|memory limit\|VECTORSZ' "$log" ||
    { cat "$log" >&2; die "$name: the search for $property was cut short"; }
  states=$(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' "$log")
  errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$log")
  [[ -n $states && -n $errors ]] || { cat "$log" >&2; die "$name: no verdict on $property"; }
  printf '%-24s %-12s %9d states  %s\n' "$name" "$property" "$states" \
    "$(((errors == 0)) && echo holds || sed -n 's/^pan:1: \(.*\) (at.*/fails: \1/p' "$log")"
  ((errors == 0))
}

hold() {
  generate two_faults FAULTS=2 COMMANDS=1
  generate two_commands FAULTS=1 COMMANDS=2
  generate one_of_each FAULTS=1 COMMANDS=1
  local failed=0
  check two_faults invariants || failed=1
  check two_commands invariants || failed=1
  check one_of_each drains_end || failed=1
  check one_of_each settles || failed=1
  ((!failed)) || die "the model does not hold"
}

# must_fail BUG PROPERTY
must_fail() {
  generate "$1" "BUG_$1" FAULTS=1 COMMANDS=1
  ! check "$1" "$2" -O0 || die "nobody notices BUG_$1"
}

mutants() {
  must_fail BREAK_BEFORE_MAKE invariants
  must_fail PID_KEPT invariants
  must_fail TWIN invariants
  must_fail REAPED_UNREAD invariants
  must_fail SUCCESSOR_UNMISSED settles
  must_fail NO_GRACE drains_end
}

case ${1:-} in
  '') hold ;;
  --mutants) mutants ;;
  *) die "usage: run.sh [--mutants]" ;;
esac
