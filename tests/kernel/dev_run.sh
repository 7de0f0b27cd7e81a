#!/usr/bin/env bash
# The answers of `./dev run` to its user: to every kind of mistake, with one line, an exit code, and nothing started; to
# names that are hard to quote for shells and QEMU; and to machines that end wrongly, which a script plays in QEMU's
# place.
#
# dev_run.sh DEV
# shellcheck disable=SC2016  # the text in single quotes is for another shell, or is a name
set -uo pipefail

dev=$1 wrong=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# refuses MESSAGE ARGUMENT...: it exits with 2, and prints one line that contains the message.
refuses() {
  local message=$1 said status=0
  shift
  said=$("$dev" run "$@" 2>&1) || status=$?
  if ((status != 2)) || [[ $said != "dev: "*"$message"* || $said == *$'\n'* ]]; then
    printf 'not ok: ./dev run %s\n  should say: %s (2)\n  said: %s (%d)\n' "$*" "$message" "$said" "$status"
    wrong=1
  fi
}

printf 'a file' >file
mkdir folder
mkfifo pipe
truncate -s 100M 100M
truncate -s 400M 400M
truncate -s 2G 2G

refuses "nowhere: no such file" nowhere
refuses "'': no such file" ""
refuses "folder: is a directory" folder
refuses "pipe: is not a regular file" pipe
refuses "2G: has 2.0 GiB, and QEMU loads a file of less than 2 GiB" 2G
refuses "100M: too large; the files have 100.0 MiB, and with --memory 64M the loader has room for 48 MiB" \
  --memory 64M 100M
refuses "100M: too large; the files have 100.0 MiB, and with --memory 704M high memory has room for 59 MiB" \
  --memory 704M 100M
refuses "400M: too large" --memory 1G 400M
refuses "too large; the files have 400.0 MiB" --memory 1G 100M 100M 100M 100M
refuses "65 files are too many: the kernel takes 64" {1..65}
refuses "--memory 63M: out of range, the machine has 64M to 64G" --memory 63M
refuses "--memory 65G: out of range, the machine has 64M to 64G" --memory=65G
refuses "--memory 99999999999999999999G: not a size" --memory 99999999999999999999G
refuses "--memory 6: not a size; write it like 512M or 6G" --memory 6
refuses "--memory lots: not a size" --memory lots
refuses "--memory needs a value" --memory
refuses "--slots 511: out of range, the window has 512 to 8192 slots" --slots 511
refuses "--slots 8193: out of range" --slots 8193
refuses "--slots -1: not a number" --slots -1
refuses "--slots needs a value" --slots
refuses "--cpus 0: out of range, the machine has 1 to 8 CPUs" --cpus 0
refuses "--cpus 9: out of range" --cpus=9
refuses "--cpus many: not a number" --cpus many
refuses "run has no option --sots" --sots 512
refuses "-file: no such file" -- -file
refuses "run has no option --shel" --shel

# Unusual names and an empty file do no harm; the hashes are those of the host.
# shellcheck disable=SC1003  # the backslash is the name's last character
names=(-file 'a,b,,c' ' a  b ' "it's \"this\"" 'größe' $'two\nlines' '$HOME `id` \' empty)
for name in "${names[@]}"; do printf '%s' "$name" >"./$name"; done
: >empty
if ! "$dev" run --memory 64M -- "${names[@]}" >said 2>&1 ||
  (($(grep -c "the host's sha256sum says the same" said) != ${#names[@]})) || [[ $(tail -n 1 said) != PASS ]]; then
  printf 'not ok: %d names, of which each should have the hash that the host finds, and PASS at the end\n' \
    "${#names[@]}"
  cat said
  wrong=1
fi

# typed WORDS LINE...: types these words into a shell, which must pass, and must show a line that matches each LINE. The
# line ends, and the quit at the end, are added.
typed() {
  local words=$1 line status=0
  shift
  printf '%b' "$words" | "$dev" run --shell --memory 1G --cpus 2 file 2>&1 | tr -d '\r' >said || status=$?
  [[ $status == 0 && $(tail -n 1 said) == PASS ]] || set -- "$@" "(the end of a shell, and not status $status)"
  for line; do
    grep -qE -- "$line" said && continue
    printf 'not ok: typed %q\n  should show: %s\n  showed:\n' "$words" "$line"
    cat said
    wrong=1
  done
}
typed 'help\nmap\nfree\nfiles' '^  start PROGRAM .* runs a program in ring 3' '^  peek .* another process' \
  '^  low memory +639 MiB' '^free: [0-9]+ of [0-9]+ pages of low memory, [0-9]+ of [0-9]+ pages of high memory' \
  '^    0 +6 bytes  0 0'
typed 'hold 3\nslots\nholders\nlet-go\nslots\nholders' '^3 pages are held' '^  slot +0  page .* 1 users, taken by .*"job"' \
  '^512 slots: 509 clean, 0 idle, 3 pinned' '^3 mappings have been held for longer than 0 ms' \
  '^512 slots: 512 clean, 0 idle, 0 pinned' '^0 mappings have been held'
# The second "fill" only gives the first one time to write its memory.
typed 'start sha256 0\nstart fill 10 1000000 &\nprocesses\nstart fill 1 100\nstart peek 2 0x10001fc0 64\nend 2\nend 2' \
  "^sha256 $(sha256sum <file | cut -d ' ' -f 1)  0 0 0" '^process 1 "sha256" exited with 0' '^process 2 "fill" runs' \
  '^ +2 fill +[0-9]+ pages' '^10001ff0  00' '^process 2 "fill" was ended'
typed 'start trespass write 0xfc000000\nstart trespass\nstatistics' '^process 1 "trespass" ends: page fault' \
  "kernel's: slot 0" '^process 1 "trespass" was ended by a fault' '^process 2 "trespass" exited with 2' '^  misses '
typed 'fer\b\bree\x7f\x7f\x7free\nstart no\nwhat\nend 9\nend x\nhold\nfree 1\nstart fill 1 &\nstart fill 1 1000000 &\nquit\nfree' \
  '^free: ' '^there is no program no' '^there is no command what' '^there is no process 9' '^one number is needed' \
  '^free takes no argument' '^process 1 "fill" (exited with 0|was ended)' '^process 2 "fill" was ended'

# judges LAST_LINE SCRIPT: with that script in QEMU's place, the run of one file fails, and this is its last line.
right="sha256 $(sha256sum <file | cut -d ' ' -f 1)  0 0 0"
judges() {
  local status=0
  printf '#!/bin/sh\ncase "$*" in *job=none*) exit 1 ;; esac\nright="%s"\n%s\n' "$right" "$2" >bin/qemu-system-x86_64
  PATH=$PWD/bin:$PATH "$dev" run --memory 64M file >said 2>&1 || status=$?
  if ((status != 1)) || [[ $(tail -n 1 said) != "FAIL: $1" ]]; then
    printf 'not ok: %s\n  should end with: FAIL: %s (1)\n  ended with: %s (%d)\n' \
      "$2" "$1" "$(tail -n 1 said)" "$status"
    wrong=1
  fi
}
mkdir bin
printf '#!/bin/sh\n' >bin/qemu-system-x86_64
chmod +x bin/qemu-system-x86_64
early="the machine ended before its job did (QEMU's exit code is"
judges "0 of 1 hashes are the host's" 'echo PASS; exit 1'
judges "0 of 1 hashes are the host's" 'echo "$right" | tr 0-9 1-90; echo PASS; exit 1'
judges "a page is lost" 'echo "$right"; echo "FAIL: a page is lost"; exit 3'
judges "$early 3)" 'echo "$right"; echo PASS; exit 3'
judges "$early 1)" 'echo "$right"; echo PASS; echo "and more"; exit 1'
judges "$early 0)" 'echo "$right"; exit 0'
judges "$early 1)" 'echo "no memory" >&2; exit 1'
exit $wrong
