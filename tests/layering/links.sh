#!/usr/bin/env bash
# Each link in a page of this tree leads somewhere: the file is there, and so is the heading.
#
#   links.sh ROOT
set -euo pipefail
cd -- "$1"

broken=0

# The anchors of a page, as they are made of its headings: small letters, words joined by dashes.
anchors() {
  sed -n 's/^#\{1,6\} //p' "$1" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9_\n-'
}

while IFS= read -r page; do
  while IFS= read -r link; do
    file=${link%%#*}
    target=$(dirname "$page")/$file
    [[ -n $file ]] || target=$page
    if [[ ! -e $target ]]; then
      echo "$page: there is no $link" >&2 && broken=1
    elif [[ $link == *#* ]] && ! anchors "$target" | grep -cx -- "${link#*#}" >/dev/null; then
      echo "$page: there is no heading for $link" >&2 && broken=1
    fi
  done < <(sed '/^```/,/^```/d' "$page" | grep -oE '\]\([^)]+\)' | sed 's/^](\(.*\))$/\1/' | grep -v '^https\?:' || true)
done < <(find . -path ./build -prune -o -path ./.git -prune -o -name '*.md' -print)

exit "$broken"
