#!/usr/bin/env bash
# Each line of tests/emulated.txt names a test that there is, so that none stays when its test is gone or has another
# name.
#
# emulated.sh ROOT
set -uo pipefail

cd "$1/tests" || exit 1
# script_has LABEL SUITE NAME: a CMakeLists.txt adds a test LABEL.SUITE.NAME that is a script; NAME may stand in a list.
script_has() {
  local file
  while read -r file; do grep -qw -- "$3" "$file" && return; done \
    < <(grep -rlE --include=CMakeLists.txt "add_test\(NAME $1\.$2\." .)
  return 1
}

# google_has LABEL [PREFIX/]SUITE NAME[/PARAMETER]: a test of GoogleTest. One with parameters has a prefix, or none, as
# its suite is instantiated.
google_has() {
  local suite=${2##*/} prefix=""
  [[ $2 != */* ]] || prefix=${2%%/*}
  grep -qrE "^TEST(_F)?\($suite, $3\)" "$1" && [[ -z $prefix ]] && return
  grep -qrE "^TEST_P\($suite, ${3%%/*}\)" "$1" && grep -qrE "^INSTANTIATE_TEST_SUITE_P\($prefix, $suite," "$1"
}

wrong=0
while read -r emulator test reason; do
  IFS=. read -r label suite name <<<"$test"
  if ! [[ $emulator =~ ^(any|qemu-[a-z0-9_]+)$ && $reason == *" "* && $reason != *";"* ]]; then
    printf 'not ok: not a line of EMULATOR TEST REASON: %s %s %s\n' "$emulator" "$test" "$reason"
    wrong=1
  elif ! google_has "$label" "$suite" "$name" && ! script_has "$label" "$suite" "$name"; then
    printf 'not ok: there is no test %s\n' "$test"
    wrong=1
  fi
done < <(grep -v '^#' emulated.txt)
exit $wrong
