#!/usr/bin/env bash
# Boots the kernel once and checks how it ends. For CTest; users have ./dev run.
#
# boot.sh [options] KERNEL MEMORY_MIB [COMMAND LINE WORD...]
# boot.sh [options] IMAGE.iso MEMORY_MIB    by the firmware, from a CD; the modules are in the image
#   --cpus N              how many CPUs the machine has (default 4)
#   --cpu MODEL           QEMU's name of the CPU (default: one with NX, SMEP and SMAP)
#   --qemu COMMAND        the emulator (default: qemu-system-x86_64)
#   --expect pass|fail    how the machine must end (default: pass)
#   --print REGEX         a line of the output must match; may be given several times
#   --once REGEX          exactly one line must match; may be given several times
#   --never REGEX         no line of the output may match; may be given several times
#   --module FILE         a boot module; may be given several times. The machine must print its SHA-256.
#   --module-size MIB     the same with a temporary file of so many MiB
#   --firmware FILE       a program that starts the kernel in a loader's place: see firmware/firmware.cpp
#   --machine OPTIONS     more options of QEMU's -machine: "hpet=off"
#   --seconds N           the time limit (default 600)
#
# KMAPPER_SECONDS in the environment sets the duration of a torture of the machine: it replaces the number in a word
# seconds=N, and extends the time limit as much.
#
# The guest takes memory from the host page by page when it touches it, and reserves none, so a machine may be
# larger than its host.
set -euo pipefail

cpus=4 cpu=qemu64,+nx,+smep,+smap qemu=qemu-system-x86_64 expect=pass seconds=600 firmware='' options=''
patterns=() once=() never=() modules=()
while [[ $1 == --* ]]; do
  case $1 in
    --cpus) cpus=$2 ;;
    --cpu) cpu=$2 ;;
    --qemu) qemu=$2 ;;
    --expect) expect=$2 ;;
    --print) patterns+=("$2") ;;
    --once) once+=("$2") ;;
    --never) never+=("$2") ;;
    --module) modules+=("$2") ;;
    --module-size) module_size=$2 ;;
    --firmware) firmware=$2 ;;
    --machine) options=,$2 ;;
    --seconds) seconds=$2 ;;
    *) printf 'boot.sh: unknown option %s\n' "$1" >&2; exit 2 ;;
  esac
  shift 2
done
kernel=$1 memory=$2
shift 2

words=("$@")
for index in "${!words[@]}"; do
  if [[ -n ${KMAPPER_SECONDS:-} && ${words[index]} == seconds=* ]]; then
    words[index]=seconds=$KMAPPER_SECONDS
    ((seconds += KMAPPER_SECONDS))
  fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
if [[ -n ${module_size:-} ]]; then
  # Mostly a hole on the disk; the last bytes differ, so that the end is recognised.
  truncate -s "${module_size}M" "$work/module"
  printf 'the end' >>"$work/module"
  modules+=("$work/module")
fi

machine=(
  -accel tcg -cpu "$cpu" -nodefaults -display none -no-reboot
  -object "memory-backend-ram,id=ram,size=${memory}M,share=on,reserve=off"
  -machine "pc,memory-backend=ram$options" -m "${memory}M" -smp "$cpus"
  -device "isa-debug-exit,iobase=0xf4,iosize=0x04"
  -serial stdio
)
if [[ $kernel == *.iso ]]; then
  machine+=(-cdrom "$kernel")
elif [[ -n $firmware ]]; then
  machine+=(-kernel "$firmware" -append "${words[*]}" -initrd "$kernel")
else
  for index in "${!modules[@]}"; do
    initrd=${initrd:+$initrd,}"${modules[index]//,/,,} $index"
  done
  machine+=(-kernel "$kernel" -append "${words[*]}" ${initrd:+-initrd "$initrd"})
fi

status=0
timeout --kill-after=5 "$seconds" "$qemu" "${machine[@]}" </dev/null >"$log" 2>&1 || status=$?

fail() {
  cat "$log"
  printf 'boot.sh: %s\n' "$1"
  exit 1
}

# isa-debug-exit turns the n that the kernel writes into the exit code 2 n + 1.
case $expect:$status in
  pass:1 | fail:3) ;;
  *:124 | *:137) fail "the machine did not end within $seconds s" ;;
  *) fail "the machine ended with status $status, which is not a $expect" ;;
esac
last=$(tr -d '\r' <"$log" | tail -n 1)
[[ $expect != pass || $last == PASS ]] || fail "the last line is not PASS, but: $last"
[[ $expect != fail || $last == FAIL* ]] || fail "the last line does not say FAIL, but: $last"
if [[ $expect == pass ]] && grep -n '^not ok' "$log"; then fail "a test on the machine failed"; fi
for index in "${!modules[@]}"; do
  read -r hash _ < <(sha256sum <"${modules[index]}")
  grep -q "^sha256 $hash  $index" "$log" || fail "no line says that module $index has the SHA-256 $hash"
done
for pattern in "${patterns[@]}"; do
  grep -Eq -- "$pattern" "$log" || fail "no line matches $pattern"
done
for pattern in "${once[@]}"; do
  (($(grep -Ec -- "$pattern" "$log") == 1)) || fail "not exactly one line matches $pattern"
done
for pattern in "${never[@]}"; do
  ! grep -Eq -- "$pattern" "$log" || fail "a line matches $pattern"
done
