#!/usr/bin/env bash
# Runs the commands in the first comment of a starter example, as its reader would, and looks for a line among those
# that they print.
#
# starter.sh FILE STATUS EXPECTED     FILE: in examples/starter; STATUS: of the last command
set -euo pipefail

file=$1 expected_status=$2 expected=$3
root=$(cd -- "$(dirname -- "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$root/examples" "$root/ports" .
cp "examples/starter/$file" .

# The commands are what stands there further in than the text, up to the first line that is no comment.
sed -n -E '/^(\/\/|\/\*| \*)/!q; s/^(\/\/| \*) {5}//p' "$file" >commands
if [[ ! -s commands ]]; then
  printf 'not ok: the first comment of %s has no commands\n' "$file"
  exit 1
fi
status=0
said=$(timeout 300 bash -e commands 2>&1 </dev/null) || status=$?
if [[ $status != "$expected_status" || $'\n'$said$'\n' != *$'\n'"$expected"$'\n'* ]]; then
  printf 'not ok: the commands of %s end with %s and print: %s\n' "$file" "$status" "${said:0:2000}"
  exit 1
fi
