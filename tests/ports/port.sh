#!/usr/bin/env bash
# Boots the smallest machine of a CPU, of ports/: the conformance suite on 1, 2 and 4 CPUs, and the work of a kernel with
# high memory on 4, with a file whose CRC-32 has to be Python's. Prints what a hit and a miss cost there.
#
# port.sh CPU     CPU: i386, armv7-lpae, riscv32; exit code 77 if its compiler or emulator is missing
set -euo pipefail

cpu=$1
root=$(cd -- "$(dirname -- "$0")/../.." && pwd)
export TIMEOUT=600
log=$(mktemp)
trap 'rm -f "$log"' EXIT

folder=$root/ports/$cpu
# shellcheck source=/dev/null
source "$folder/port.conf"
# shellcheck disable=SC2154  # port.conf sets them
for command in "${compiler[0]}" "${qemu[0]}" python3; do command -v "$command" >/dev/null || exit 77; done

fail() {
  cat "$log"
  printf 'port.sh: %s: %s\n' "$cpu" "$*" >&2
  exit 1
}

# boot PROGRAM OPTION...
boot() {
  printf '== %s\n' "$*"
  "$root/ports/run.sh" "$cpu" "$@" >"$log" 2>&1 || fail "$* ended with $?"
  [[ $(tail -n 1 "$log") == PASS ]] || fail "$*: the last line is not PASS"
}

for cpus in 1 2 4; do
  boot conformance --cpus "$cpus"
  passed=$(sed -n 's/^\([0-9]*\) checks passed, 0 failed, .*/\1/p' "$log")
  # What one CPU cannot show is skipped; with more, only what depends on the schedule.
  ((passed >= (cpus == 1 ? 39 : 47))) || fail "conformance on $cpus CPUs: only ${passed:-0} checks passed"
done
CHECKED=1 boot conformance --cpus 2

file=$root/README.md
boot main --cpus 4 --file "$file"
expected=$(python3 -c 'import sys, zlib; print("0x%08x" % zlib.crc32(open(sys.argv[1], "rb").read()))' "$file")
grep -q "^file: crc32 $expected," "$log" || fail "the file's CRC-32 is $expected, and the machine prints another"
cat "$log"

boot bench --icount
cat "$log"
