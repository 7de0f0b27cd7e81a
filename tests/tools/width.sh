#!/usr/bin/env bash
# How ./dev finds out how 32-bit programs run here, on machines of each kind, whatever this one is. A script in the
# compiler's place makes a program that runs, or one that every kernel refuses; another is qemu-i386.
#
# width.sh ROOT
# shellcheck disable=SC2317  # what tools/width.sh calls is reachable
set -uo pipefail

root=$1 wrong=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset KMAPPER_32_BIT

# What tools/width.sh calls in ./dev. apt has qemu-user where the file `apt` is.
say() { printf '%s\n' "$*"; }
misused() {
  printf 'dev: %s\n' "$*"
  exit 2
}
compiler() { printf '%s' "$work/compiler"; }
have() { [[ $1 != qemu-i386 ]] || [[ -e $work/bin/qemu-i386 ]]; }
need() { "${@:2}" || wanted=$1; }
install_needs() {
  [[ -z ${wanted:-} ]] && return
  [[ -e $work/apt ]] || misused "apt cannot install $wanted"
  mv "$work/apt" "$work/bin/qemu-i386"
}
# shellcheck source=tools/width.sh
source "$root/tools/width.sh"

# finds RESULT TEXT MACHINE QEMU APT [WORD]: the machine runs or refuses; qemu-i386 is there (works, broken) or absent;
# apt has one (works, broken) or none. With WORD as what KMAPPER_32_BIT says.
finds() {
  local result=$1 text=$2 machine=$3 qemu=$4 apt=$5 said
  rm -rf "${work:?}"/*
  mkdir "$work/bin"
  if [[ $machine == runs ]]; then program='#!/bin/sh\nexit 0\n'; else program='\\177ELF\\0refused'; fi
  # shellcheck disable=SC2016  # for the script
  printf '#!/bin/bash\nwhile [[ $1 != -o ]]; do shift; done\n[[ $2 == /dev/null ]] || printf "%s" >"$2"\n' "$program" \
    >"$work/compiler"
  [[ $qemu == absent ]] || emulator "$qemu" "$work/bin/qemu-i386"
  [[ $apt == none ]] || emulator "$apt" "$work/apt"
  chmod +x "$work/compiler"
  said=$(
    PATH=$work/bin:$PATH
    [[ -z ${6:-} ]] || export KMAPPER_32_BIT=$6
    find_32_bit 2>&1
    printf '%s' "result $runs_32_bit, exported $KMAPPER_32_BIT, emulator $(emulator_32_bit)"
  )
  if [[ $said != *"$text"* || $said != *"$result" || ($text == "" && $said == *$'\n'*) ]]; then
    printf 'not ok: %s\n  should say: %s, %s\n  said: %s\n' "${*:3}" "$text" "$result" "$said"
    wrong=1
  fi
}

emulator() {
  printf '#!/bin/sh\n%s\n' "$([[ $1 == works ]] && printf 'exit 0' || printf 'exit 1')" >"$2"
  chmod +x "$2"
}

native="result native, exported native, emulator "
emulated="result emulated, exported emulated, emulator qemu-i386;-B;0x100000000"
none="result none, exported none, emulator "
finds "$native" "" runs absent none
finds "$native" "" runs works none
finds "$emulated" "32-bit programs run under qemu-i386 here" refuses works none
finds "$emulated" "32-bit programs run under qemu-i386 here" refuses absent works
finds "$none" "apt cannot install qemu-user" refuses absent none
finds "$none" "32-bit programs do not run here" refuses absent broken
finds "$none" "32-bit programs do not run here" refuses broken none

finds "$native" "" refuses absent none native
finds "$emulated" "32-bit programs run under qemu-i386 here" runs works none emulated
finds "$none" "32-bit programs do not run here" runs absent none emulated
finds "$none" "32-bit programs do not run here" runs works none none
finds "dev: KMAPPER_32_BIT is fast; it may be native, emulated or none" "" runs absent none fast
exit $wrong
