#!/usr/bin/env bash
# Builds the kernel: build.sh [OUTPUT]. CC names the compiler: gcc or clang.
# KMAPPER is the folder that has the folder kmapper/.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
output=${1:-$here/build/kernel}
mkdir -p -- "$(dirname -- "$output")"
flags=(-m32 -O2 -fno-pic -mno-sse -mno-mmx -Wall -Wextra -Werror)
flags+=(-I"$here" -I"${KMAPPER:=$here/../../include}")

cxx=g++
[[ ${CC:-gcc} != clang ]] || cxx=clang++
"$cxx" "${flags[@]}" "@$KMAPPER/kmapper/kernel.flags" -c "$KMAPPER/kmapper/kernel.cpp" -o "$output.kmapper.o"

# boot.S comes first: the loader looks for its header at the beginning.
"${CC:-gcc}" "${flags[@]}" -std=gnu11 -ffreestanding -fno-stack-protector -fno-asynchronous-unwind-tables \
  "$here"/{boot,entry,trampoline,user}.S "$here"/*.c "$output.kmapper.o" \
  -nostdlib -static -Wl,-T,"$here/kernel.ld" -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
  -o "$output"
