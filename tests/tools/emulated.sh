#!/usr/bin/env bash
# Each line of tests/emulated.txt names a test that there is, so that none stays when its test is gone or has another
# name.
#
# emulated.sh ROOT
set -uo pipefail

cd "$1/tests" || exit 1
wrong=0
while read -r emulator test reason; do
  IFS=. read -r label suite name <<<"${test/'*/'/}"
  if ! [[ $emulator =~ ^(any|qemu-[a-z0-9_]+)$ && $reason == *" "* && $reason != *";"* ]]; then
    printf 'not ok: not a line of EMULATOR TEST REASON: %s %s %s\n' "$emulator" "$test" "$reason"
    wrong=1
  elif ! grep -qrE "^TEST(_F|_P)?\($suite, ${name%%/*}\)" "$label"; then
    printf 'not ok: there is no test %s\n' "$test"
    wrong=1
  fi
done < <(grep -v '^#' emulated.txt)
exit $wrong
