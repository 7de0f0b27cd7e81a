#!/usr/bin/env bash
# Builds a program of the documents for kernels with the smallest machine, ports/i386, and boots it.
#
# kernel.sh ROOT DOCUMENT NAME    NAME_main.cpp has port::program()
set -euo pipefail

root=$1 document=$2 name=$3 here=$(cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -B "$here/snippets.py" "$root/$document" "$name" "$work/snippet.cpp"
TIMEOUT=300 "$root/ports/run.sh" i386 "$here/${name}_main.cpp" --source "$work/snippet.cpp" --memory 300M | tee "$work/log"
[[ $(tail -n 1 "$work/log") == PASS ]]
