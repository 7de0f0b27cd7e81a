#!/usr/bin/env bash
# A PC without a serial line: a panic is the last text on its screen, however early it comes. If the console's own code
# faults, one line on the serial line says so, and the machine ends.
#
# screen.sh KERNEL FIRMWARE
set -uo pipefail

kernel=$1 firmware=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
  printf 'not ok: %s\n' "$*"
  exit 1
}

# ends_with LINE QEMU-OPTION...: the last lines of the serial line are LINE and FAIL. Puts the screen's text into `shown`.
ends_with() {
  local line=$1 i last
  shift
  : >log
  {
    for ((i = 0; i < 600; ++i)); do
      ! grep -aq '^FAIL' log || break
      sleep 0.1
    done
    printf 'pmemsave 0xb8000 4000 screen\nquit\n'
  } | timeout --kill-after=5 120 qemu-system-x86_64 -accel tcg -nodefaults -display none -vga std -no-reboot -m 64 -smp 2 \
    -serial file:log -monitor stdio "$@" >monitor 2>&1
  mapfile -t last < <(tr -d '\r' <log | tail -n 2)
  [[ ${last[0]:-} =~ ^$line && ${last[1]:-} == FAIL ]] ||
    fail "the machine ended with ${last[*]:-nothing}, not $line: $(tr -cd '[:print:]\n' <log)"
  mapfile -t shown < <(sed 's/\(.\)./\1/g' screen | tr '\0' ' ' | fold -w 80 | sed 's/ *$//')
}

# shows LINE QEMU-OPTION...: the screen also shows these two lines, and nothing below them; LINE may be folded.
shows() {
  local text
  ends_with "$@"
  text=$(printf '%s\n' "${shown[@]}" | sed '/^$/d' | tail -n 3 | tr -d '\n')
  [[ $text =~ ${1}.*FAIL$ ]] || fail "the screen should show $1, and shows: ${shown[*]}"
}

started=(-cpu "qemu64,+nx,+smep,+smap" -kernel "$firmware" -initrd "$kernel" -append)
shows "panic: this CPU has no PAE" -cpu qemu64,-pae -kernel "$kernel"
shows "panic: the loader gave no memory map" "${started[@]}" map=none
shows "panic: there are 65 boot modules; room is for 64" "${started[@]}" count=65
shows "panic: sample=none: a number from" "${started[@]}" sample=none
ends_with "panic: page fault at .* in the console itself, address 0xc00b8000" "${started[@]}" job=consolefault
