#!/usr/bin/env bash
# Runs a command that must fail, and fails unless it fails as expected.
#
# expect.sh STATUS REGEX COMMAND...
#   It must exit with STATUS and print text that matches REGEX; with status 2 (misused), one line.
set -uo pipefail

expected=$1 regex=$2 status=0
shift 2
said=$("$@" 2>&1) || status=$?
printf '%s\n' "$said"
if ((status != expected)); then
  printf 'expect.sh: exit code %d, expected %d\n' "$status" "$expected"
elif ! grep -Eq -- "$regex" <<<"$said"; then
  printf 'expect.sh: it does not say: %s\n' "$regex"
elif ((status == 2)) && [[ $said == *$'\n'* ]]; then
  printf 'expect.sh: one line was expected\n'
else
  exit 0
fi
exit 1
