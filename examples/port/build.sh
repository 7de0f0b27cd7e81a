#!/usr/bin/env bash
# Builds the port as a kernel is built: freestanding, without a library, not even the compiler's own. With -m32 it
# boots; with -m64 it is linked only, to see that nothing is missing.
#
# build.sh COMPILER -m32|-m64 OUTPUT [SOURCE...]     SOURCE: sources and objects, one with port_main(); without one,
# main.cpp
#
# With CHECKED=1 in the environment, the checked core; with MACHINE=-march=..., for that CPU.
#
# Boot it with: qemu-system-x86_64 -m 64 -kernel OUTPUT -serial stdio -display none -device isa-debug-exit,iobase=0xf4
# The exit code is 1 for PASS, 3 for FAIL.
set -euo pipefail

if (($# < 3)) || [[ $2 != -m32 && $2 != -m64 ]]; then
  printf 'usage: build.sh COMPILER -m32|-m64 OUTPUT [SOURCE...]\n' >&2
  exit 2
fi
compiler=$1 width=$2 output=$3
here=$(cd -- "$(dirname -- "$0")" && pwd)
root=$here/../..
(($# > 3)) || set -- "$@" "$here/main.cpp"
sources=("${@:4}" "$here/kmapper.cpp" "$here/machine.cpp")
[[ $width == -m64 ]] || sources+=("$here/boot.S")
entry=start
[[ $width == -m32 ]] || entry=port_main

"$compiler" "$width" ${MACHINE:+"$MACHINE"} -std=c++20 -O2 -ffreestanding -nostdlib -static \
  -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-stack-protector -fno-pic -fno-pie \
  -mno-sse -mno-mmx -Wall -Wextra -Werror -DKMAPPER_CHECKED="${CHECKED:-0}" \
  -I"$root/include" -I"$root/tests" -I"$here" \
  "${sources[@]}" -Wl,-T,"$here/port.ld" -Wl,-e,"$entry" -Wl,--build-id=none -Wl,-z,noexecstack -o "$output"
