#!/usr/bin/env bash
# Both commands of the README in a bare Debian of another release (debootstrap's minbase), as on a fresh machine.
#
#   run.sh RELEASE    trixie, say; as root. Exits 69 where no such chroot can be made: that is no failure of ours.
#
# The base system and the packages are kept outside the tree, in $XDG_CACHE_HOME/reeve or ~/.cache/reeve, so that the
# next run downloads only what is new. Mounts and processes live in namespaces of their own and end with this script.
set -euo pipefail
cd -- "$(dirname -- "$0")/../.."

readonly unavailable=69
readonly release=$1
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/reeve
readonly base=$cache/$release.tar packages=$cache/$release-packages
readonly root=build/chroot/$release
readonly mirror=http://deb.debian.org/debian
readonly longest_download=10m longest_run=40m

skip() {
  echo "chroot: $*" >&2
  exit "$unavailable"
}

# In namespaces of its own: nothing is left behind, however this ends.
apart() {
  unshare --mount --propagation private --pid --fork --kill-child "$@"
}

((EUID == 0)) || skip "root is needed"
apart true 2>/dev/null || skip "this machine allows no mounts in a namespace of their own"
command -v debootstrap >/dev/null || skip "debootstrap is not there"
! (exec 3<>/dev/tcp/127.0.0.1/8000) 2>/dev/null || skip "somebody serves on port 8000, which ./dev run wants"

mkdir -p "$packages/partial"
if [[ ! -e $base ]]; then
  echo "Downloading the base system of $release"
  rm -rf --one-file-system "$cache/$release.new"
  timeout "$longest_download" debootstrap --variant=minbase "$release" "$cache/$release.new" "$mirror" >"$cache/$release.log" ||
    skip "the base system of $release cannot be downloaded: see $cache/$release.log"
  tar --one-file-system -C "$cache/$release.new" -cf "$base.part" .
  mv "$base.part" "$base"
  rm -rf --one-file-system "$cache/$release.new"
fi

rm -rf --one-file-system "$root"
mkdir -p "$root/src"
trap 'rm -rf --one-file-system "$root"' EXIT
tar -xf "$base" -C "$root"
tar --exclude=./build --exclude=./.git -cf - . | tar -xf - -C "$root/src"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
cat >"$root/etc/apt/apt.conf.d/99kept" <<'CONF'
APT::Keep-Downloaded-Packages "true";
Acquire::http::Timeout "30";
Acquire::Retries "2";
CONF

# shellcheck disable=SC2016  # Expanded by the inner shell.
apart timeout --foreground "$longest_run" bash -euc '
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  mount --bind "$2" "$1/var/cache/apt/archives"
  exec chroot "$1" /src/tests/chroot/inside.sh
' bash "$root" "$packages"
