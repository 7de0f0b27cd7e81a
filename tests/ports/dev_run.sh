#!/usr/bin/env bash
# ./dev run --cpu: it boots each machine, compares the file's CRC-32, and says what is wrong with a bad call.
#
# dev_run.sh DEV     exit code 77 if a compiler, an emulator or python3 is missing
set -euo pipefail

dev=$1
for command in qemu-system-i386 qemu-system-arm arm-linux-gnueabihf-g++ qemu-system-riscv32 riscv64-linux-gnu-g++ python3; do
  command -v "$command" >/dev/null || exit 77
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# refuses LINE ARGUMENT...
refuses() {
  local line=$1 said status=0
  shift
  said=$("$dev" run "$@" 2>&1) || status=$?
  if ((status != 2)) || [[ $said != *"$line"* ]]; then
    printf 'not ok: run %s ends with %s and says: %s\n' "$*" "$status" "$said"
    exit 1
  fi
}
refuses "--cpu mips: there is no port for that CPU; there are: i386, arm, riscv32" --cpu mips
refuses "run --cpu does not take --slots; it takes --cpus, --memory and a FILE" --cpu arm --slots 512
refuses "--cpus 5: out of range, the machine has 1 to 4 CPUs" --cpu arm --cpus 5
refuses "--memory much: not a size" --cpu arm --memory much
refuses "--memory 9G: the machine has 260 to 3072 MiB" --cpu i386 --memory 9G "$0"
refuses "run --cpu takes one FILE, and 2 were given" --cpu i386 "$0" "$0"

# A name that QEMU's own syntax could take for more than one option, and bytes that are no text.
head -c 300001 /dev/urandom >"$work/a, b=c"
mkdir "$work/a b"
export TMPDIR="$work/a b"
for cpu in i386 arm riscv32; do
  "$dev" run --cpu $cpu --cpus 2 --memory 600m "$work/a, b=c" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  grep -q '^PASS: the CRC-32 is 0x[0-9a-f]*, as Python says$' "$work/log" || { cat "$work/log"; exit 1; }
done

# Where the machine hashes other bytes than Python, that is said.
mkdir "$work/bin"
printf '#!/bin/sh\necho 0x00000000\n' >"$work/bin/python3"
chmod +x "$work/bin/python3"
status=0
PATH=$work/bin:$PATH "$dev" run --cpu i386 --memory 300M "$work/a, b=c" >"$work/log" 2>&1 || status=$?
((status == 1)) && grep -q "the file's CRC-32 is 0x00000000, and the machine printed another" "$work/log"
