#!/usr/bin/env bash
# What `./dev bench linux` makes of what the two systems print, and what it says where Linux cannot be had. Boots
# nothing, and fetches nothing.
#
# dev_bench_linux.sh DEV
# shellcheck disable=SC2034,SC2154  # root, missed, results and linux_*: dev's and run.sh's
set -uo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/build" "$work/bin"
cp "$1" "$work/dev"
cp -r "$(dirname -- "$1")"/{bench,tools} "$work/"

fail() {
  printf 'not ok: %s\n' "$*"
  exit 1
}

# same WHAT EXPECTED GOT
same() { [[ $2 == "$3" ]] || fail "$1: should be"$'\n'"$2"$'\n'"and is"$'\n'"$3"; }

# shellcheck source=/dev/null
source "$work/dev" --help >/dev/null
# shellcheck source=/dev/null
source "$root/bench/linux/run.sh"
set +e

# Rows of several CPUs have the loop's own cost subtracted, and what job=scale counts for 1,000 misses is for 1,000
# operations here; a number is a number, not a text ("29" is more than "3").
printf '%s\r\n' "unit counts; 512 slots; 2600000000 counts a second" "bench hit 301.00" \
  "bench loop-cpus-1 3.00" "bench loop-cpus-2 4.00" "bench mix-cpus-1 29.00" "bench mix-cpus-2 3.50" \
  "tlb mix-cpus-2 invlpg/1000=0.00 full/1000=3.90 ipi/1000=1.95" PASS >"$root/build/bench-there.log"
same "Linux's rows" "linux hit 301.00 counts - - 0.00
linux loop-cpus-1 0.00 counts - - 0.00
linux loop-cpus-2 0.00 counts - - 0.00
linux mix-cpus-1 26.00 counts - - 0.00
linux mix-cpus-2 -0.50 counts - - 0.00
linux-tlb mix-cpus-2 - - 0.00 3.90 1.95" "$(linux_read linux there)"
printf '%s\r\n' "bench miss-4096 158.13 invlpg/1000=1000.00 full/1000=0.35" PASS >"$root/build/bench-here.log"
printf '%s\r\n' "scale loop cpus=2 ns=2.00 least=1.00 most=3.00 misses=0.00" \
  "scale mix cpus=2 ns=29.50 least=9.00 most=30.00 misses=50.00 shootdowns=48.00 ipis=40.00 avoided=0.00 invlpgs=2000.00 full=0.40" \
  PASS >"$root/build/bench-cpus.log"
same "kmapper's rows" "ours miss-4096 158.13 counts 1000.00 0.35 0.00
ours loop-cpus-2 0.00 ns 0.00 0.00 0.00
ours mix-cpus-2 27.50 ns 100.00 0.02 2.00" "$(linux_read ours here cpus)"

# Nine rounds a side: the median, what lies between the quartiles, and a ratio only where the gap is more than that.
rounds() {
  local key=$1 unit=$2 value
  for value in "${@:3}"; do printf '%s hit %s %s - - -\n' "$key" "$value" "$unit"; done
}
ours=$(rounds ours ns 10 11 9 10 12 8 10 30 10)
same "a gap" $'80.0\t2.00\t10.0\t1.00\t8.00\t5.00\t0.00' "$(linux_nanosecond_row hit 2000000000 <<<"$ours
$(rounds linux counts 160 164 158 160 156 166 160 158 162)
$(rounds wide ns 5 5 5)")"
same "no gap" $'80.0\t75.0\t10.0\t1.00\t-' "$(linux_nanosecond_row hit 1000000000 <<<"$ours
$(rounds linux counts 10 20 25 60 80 90 100 110 120)" | cut -f 1-5)"

said=$(linux_nanosecond_table 1000000000 "$ours" 0.00 2>&1 >/dev/null)
same "a row that a system did not print" "dev: a system measured no row lowmem, in ns" "$said"

# The aims: judged by the ratio, and not at all where none can be told.
missed=0 results=()
for aim in "${linux_aims[@]}"; do
  read -r figure row least <<<"$aim"
  linux_ratios["$figure $row"]=$least
done
linux_judge >/dev/null
same "aims missed" 0 "$missed"
linux_ratios["instructions hit"]=9.99
linux_ratios["ns local"]=-
judged_aims=$(linux_judge)
[[ $judged_aims =~ instructions\ +hit\ +9.99\ +'>= 10'\ +missed ]] || fail "a ratio of 9.99 meets 10: $judged_aims"
[[ $judged_aims =~ ns\ +local\ +-\ +'>= 2'\ +no\ claim ]] || fail "something is claimed without a ratio: $judged_aims"
linux_judge >/dev/null
same "aims missed" 1 "$missed"

# Without a mirror: one line.
printf '#!/bin/sh\necho "E: Could not resolve deb.debian.org" >&2\nexit 100\n' >"$work/bin/apt-get"
chmod +x "$work/bin/apt-get"
status=0
said=$(PATH=$work/bin:$PATH linux_fetch 2>&1 >/dev/null) || status=$?
same "the exit code" 1 "$status"
same "what is said without a mirror" "dev: Debian 12's i386 kernel cannot be had from http://deb.debian.org/debian: E: Could not resolve\
 deb.debian.org (all it said: $root/build/linux/fetch.log)" "$said"
[[ ! -e $root/build/linux/fetched ]] || fail "what was not fetched counts as fetched"
echo "ok"
