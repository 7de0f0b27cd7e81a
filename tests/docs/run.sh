#!/usr/bin/env bash
# Runs a program of the documents in an empty folder, with the file that it wants, and looks at what it did there.
#
# run.sh NAME COMMAND...    exit code 77 where this machine cannot run it
set -euo pipefail

name=$1 snippets=$(cd -- "$(dirname -- "$0")" && pwd)/snippets.py
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ulimit -S -c 0

fail() {
  printf 'not ok: %s\n' "$*"
  exit 1
}

# not_emulated COMMAND WHY
not_emulated() {
  [[ ${1##*/} != qemu-* ]] || { printf 'skipped: %s\n' "$2"; exit 77; }
}
readonly offsets="QEMU 7.2 cuts the offsets of 32-bit programs to 32 bits"
readonly signals="QEMU 7.2 takes a signal that is sent with the code of a fault for a fault of its own, and ends"

# byte OFFSET: what data.bin has there.
byte() { dd if=data.bin bs=1 skip="$1" count=1 status=none | tr -d '\0'; }

gib=$((1 << 30))
case $name in
  process_file)
    truncate -s 1G data.bin
    "$@" || fail "it ended with $?"
    [[ $(byte $((gib - 4096))) == J ]] || fail "the file has not got what it wrote"
    ;;
  process_first)
    not_emulated "$1" "$offsets"
    truncate -s 101G data.bin
    "$@" || fail "it ended with $?"
    [[ $(byte $((100 * gib))) == J ]] || fail "the file has not got what it wrote"
    ;;
  process_ways)
    truncate -s 1M data.bin
    said=$("$@") || fail "it ended with $?"
    [[ $said == hits=* ]] || fail "it said: $said"
    ;;
  process_c)
    not_emulated "$1" "$offsets"
    truncate -s 101G data.bin
    printf 'page' | dd of=data.bin bs=1 seek=$((100 * gib)) conv=notrunc status=none
    said=$("$@") || fail "it ended with $?"
    [[ $said == page ]] || fail "it said: $said"
    ;;
  process_python)
    "$1" -c 'import numpy' 2>/dev/null || { printf 'skipped: there is no numpy, which is in python3-numpy\n'; exit 77; }
    "$1" -B "$snippets" "$KMAPPER_DOCUMENT" process_python program.py
    truncate -s 1G data.bin
    said=$("$@" program.py) || fail "it ended with $?"
    [[ $said == $'Hello\n3.0' ]] || fail "it said: $said"
    [[ $(head -c 5 data.bin) == Hello ]] || fail "the file has not got what it wrote"
    ;;
  linux_highmem)
    not_emulated "$1" "$signals"
    status=0
    "$@" 2>said || status=$?
    ((status > 128)) || fail "it ended with $status, and not by a signal"
    grep -q '^kmapper: use after kunmap: write to page 0x[0-9a-f]* at .*; kunmap when the access is over$' said ||
      fail "it said: $(cat said)"
    ;;
  kernel_code)
    status=0
    "$@" 2>said || status=$?
    ((status > 128)) || fail "it ended with $status, and not by a signal"
    grep -q '^kmapper: kunmap_local of the address one past the end of its page: page 0x1400, high, ' said ||
      fail "it said: $(cat said)"
    ;;
  *) "$@" || fail "it ended with $?" ;;
esac
