#!/usr/bin/env bash
# Boots what build.sh built: run.sh [--cpus N] [--memory MIB]. QEMU names the emulator, KERNEL the
# kernel. With ACCEL=tcg,thread=single all CPUs share a thread of the host: faster where it is busy.
set -euo pipefail

here=$(cd -- "$(dirname -- "$0")" && pwd)
cpus=2 memory=1024
while (($#)); do
  case $1 in
    --cpus) cpus=$2 ;;
    --memory) memory=$2 ;;
    *)
      printf 'usage: run.sh [--cpus N] [--memory MIB]\n' >&2
      exit 2
      ;;
  esac
  shift 2
done

# Each CPU has a socket of its own: the firmware's MP table lists only the first CPU of a socket.
status=0
"${QEMU:-qemu-system-x86_64}" -accel "${ACCEL:-tcg}" -smp "$cpus,sockets=$cpus" -m "$memory" \
  -kernel "${KERNEL:-$here/build/kernel}" -display none -serial stdio -no-reboot \
  -device isa-debug-exit,iobase=0xf4 || status=$?
((status == 1)) # the kernel's result 0
