#!/usr/bin/env bash
# Builds a program of the documents for kernels with the smallest platform, that of examples/port, and boots it.
#
# kernel.sh ROOT COMPILER DOCUMENT NAME    NAME_main.cpp has port_main(); NAME.c, where there is one, is linked, too
set -euo pipefail

root=$1 compiler=$2 document=$3 name=$4 here=$(cd -- "$(dirname -- "$0")" && pwd)
port=$root/examples/port
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -B "$here/snippets.py" "$root/$document" "$name" "$work/snippet.cpp"
sources=("$work/snippet.cpp" "$here/${name}_main.cpp")
if [[ -e $here/$name.c ]]; then
  cc=cc
  [[ $compiler != *clang* ]] || cc=clang
  "$cc" -m32 -O2 -ffreestanding -fno-stack-protector -fno-pic -fno-pie -mno-sse -mno-mmx -Wall -Wextra -Werror -std=c99 \
    -c "$here/$name.c" -o "$work/c.o"
  sources+=("$work/c.o")
fi
"$port/build.sh" "$compiler" -m32 "$work/kernel" "${sources[@]}"

status=0
timeout --kill-after=5 300 qemu-system-x86_64 -accel tcg -nodefaults -display none -no-reboot -m 64 \
  -device "isa-debug-exit,iobase=0xf4,iosize=0x04" -serial stdio -kernel "$work/kernel" </dev/null >"$work/log" 2>&1 ||
  status=$?
cat "$work/log"
((status == 1)) && [[ $(tail -n 1 "$work/log") == PASS ]]
