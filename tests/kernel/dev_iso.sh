#!/usr/bin/env bash
# Boots the result of `./dev iso` by a PC's firmware and by GRUB: from a CD without waiting, where the main job keeps the
# files; and from a disk (a BIOS presents a USB stick as a disk) by a key in the menu, where the kernel tests itself. And
# checks its answers to mistakes.
#
# dev_iso.sh DEV
set -uo pipefail

dev=$1 here=$(cd -- "$(dirname -- "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
  printf 'not ok: %s\n' "$*"
  exit 1
}

# refuses MESSAGE ARGUMENT...: it exits with 2, and prints one line that contains the message.
refuses() {
  local message=$1 said status=0
  shift
  said=$("$dev" iso "$@" 2>&1) || status=$?
  if ((status != 2)) || [[ $said != "dev: "*"$message"* || $said == *$'\n'* ]]; then
    fail "./dev iso $*: should say: $message (2), and said: $said ($status)"
  fi
}

mkdir folder
truncate -s 3073M large
refuses "nowhere: no such file" nowhere
refuses "folder: is a directory" folder
refuses "65 files are too many: the kernel takes 64" {1..65}
refuses "large: too large; the files have 3.0 GiB, and a PC has 3072 MiB" large
refuses "--output folder: is a directory" --output folder
refuses "--output no/where: there is no such directory" --output no/where
refuses "--output needs a value" --output
refuses "--timeout 3601: not a number from 0 to 3600" --timeout 3601
refuses "--timeout soon: not a number" --timeout=soon
refuses "iso has no option --size" --size 3

# shellcheck disable=SC2016  # a name that is hard to quote
name="it's "'$HOME `id` {'
printf 'a file' >"./$name"
: >empty
"$dev" iso --timeout 0 --output cd.iso -- "$dev" "$name" empty >said 2>&1 || fail "$(cat said)"
for file in "$dev" "$name" empty; do
  read -r hash _ < <(sha256sum <"$file")
  grep -qF "sha256 $hash  $file" said || fail "no line says what hash $file has: $(cat said)"
done
"$here/boot.sh" --module "$dev" --module "./$name" --module empty --print "^  4 run" "$work/cd.iso" 768 || exit 1

# The menu waits longer than the test; the key is sent as soon as the menu appears. This PC has a screen that stays on:
# at the end it shows the last text of the serial line.
"$dev" iso --timeout 3600 --output stick.iso empty >said 2>&1 || fail "$(cat said)"
: >log

# waits_for REGEX: waits for a line of the log, for a minute at most.
waits_for() {
  local i
  for ((i = 0; i < 600; ++i)); do
    ! grep -aEq "$1" log || return 0
    sleep 0.1
  done
}

{
  waits_for 'test itself'
  printf 'sendkey t\n'
  waits_for '^(PASS|FAIL)'
  printf 'pmemsave 0xb8000 4000 screen\nquit\n'
} | timeout --kill-after=5 600 qemu-system-x86_64 -accel tcg -cpu "qemu64,+nx,+smep,+smap" -nodefaults -display none \
  -vga std -no-reboot -m 128 -smp 2 -drive format=raw,snapshot=on,file=stick.iso -serial file:log -monitor stdio \
  >monitor 2>&1
mapfile -t last < <(tr -d '\r' <log | tail -n 2)
[[ ${last[1]:-} == PASS && ${last[0]} =~ ^[0-9]+\ tests\ passed,\ 0\ failed ]] ||
  fail "from a stick, the machine ended with ${last[*]:-nothing}: $(tr -cd '[:print:]\n' <log)"
! grep -a '^not ok' log || fail "a test on the machine failed"
mapfile -t shown < <(sed 's/\(.\)./\1/g' screen | fold -w 80 | sed 's/ *$//' | tail -n 2)
[[ ${shown[*]} == "${last[*]}" ]] || fail "the screen shows, at the end, ${shown[*]}, and not ${last[*]}"
