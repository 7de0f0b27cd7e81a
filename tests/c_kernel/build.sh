#!/usr/bin/env bash
# Builds examples/c-kernel with one of this folder's jobs in place of its own: build.sh JOB OUTPUT [OPTION...]
# JOB: conformance, minimal (the same suite with a rig that has no function but what every rig has), calls or bench.
# OPTIONs are for both compilers; the last -O counts. CC names the compiler, gcc or clang; KERNEL the kernel's folder.
set -euo pipefail

job=$1 output=$2
shift 2
here=$(cd -- "$(dirname -- "$0")" && pwd)
kernel=${KERNEL:-$here/../../examples/c-kernel}
kmapper=$here/../../include
cc=${CC:-gcc} cxx=g++
[[ $cc != clang ]] || cxx=clang++

core=$kmapper/kmapper/kernel.cpp rig=() jobs=("$here/$job.c")
if [[ $job == conformance || $job == minimal ]]; then
  core=$here/../conformance/c_rig.cpp jobs=("$here/rig.c")
  [[ $job == minimal ]] || rig=(-DKMAPPER_RIG_{LOW_PAGE,READ,SPAWN,RUN_ON,INTERRUPT})
fi
sources=("$kernel/boot.S")
for source in "$kernel"/*.[cS]; do
  [[ $source == */boot.S || $source == */jobs.c ]] || sources+=("$source")
done

# This folder comes first: its kmapper_port.h adds vmap to the kernel's.
common=(-m32 -O2 -fno-pic -mno-sse -mno-mmx -Wall -Wextra -Werror -I"$here" -I"$kernel" -I"$kmapper"
  -I"$here/.." "$@")
"$cxx" "@$kmapper/kmapper/kernel.flags" "${common[@]}" "${rig[@]}" -c "$core" -o "$output.kmapper.o"
"$cc" -std=gnu11 -ffreestanding -nostdlib -static -fno-stack-protector -fno-asynchronous-unwind-tables \
  "${common[@]}" "${sources[@]}" "${jobs[@]}" "$here/hooks.c" "$output.kmapper.o" \
  -Wl,-T,"$kernel/kernel.ld" -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
  -Wl,--wrap=trap -Wl,--wrap=kmapper_port_report -o "$output"
