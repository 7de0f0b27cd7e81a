#!/usr/bin/env bash
# The message of `./dev bench linux` if Linux cannot be fetched. Boots nothing, and fetches nothing.
#
# dev_bench_linux.sh DEV
set -uo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/bin"
cp -r "$1" "$(dirname -- "$1")"/{bench,tools} "$work/"

# The programs that the bench needs exist, but the mirror does not.
for name in cmake ninja make gcc-12 cpio qemu-system-x86_64 c++; do printf '#!/bin/sh\n' >"$work/bin/$name"; done
printf '#!/bin/sh\necho "E: Could not resolve deb.debian.org" >&2\nexit 100\n' >"$work/bin/apt-get"
sed -i 's|test -e .*keyring.*|true|' "$work/bench/linux/prepare.sh"
chmod +x "$work"/bin/*

status=0
said=$(env -u CXX PATH="$work/bin:$PATH" "$work/dev" bench linux 2>&1 >/dev/null) || status=$?
expected="dev: Debian 12's i386 kernel cannot be had from http://deb.debian.org/debian: E: Could not resolve\
 deb.debian.org (all it said: $work/build/linux/fetch.log)"
if ((status != 1)) || [[ $said != "$expected" ]]; then
  printf 'not ok: should say (1): %s\n  said (%d): %s\n' "$expected" "$status" "$said"
  exit 1
fi
if [[ -e $work/build/linux/fetched ]]; then
  printf 'not ok: what was not fetched counts as fetched\n'
  exit 1
fi
