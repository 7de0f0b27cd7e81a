#!/usr/bin/env bash
# Checks a model with Spin: all of its runs, or one.
#
#   run.sh [--in FOLDER] MODEL [NAME]
#
# MODEL is a file, tests/model/sleep.pml. Its head says what to do, in lines of these forms:
#
#    * RUN name: flags of spin ; gcc=flags ; pan=flags        must be without fault, to its last state
#    * LONG name: ...                                          the same, in more than half a minute
#    * MUTANT name: flags of spin ; gcc=flags ; pan=flags     has a fault, which must be found
#
# Works in FOLDER, and leaves a trail there; without --in, in a folder of its own that it removes. Each run may take two
# minutes of CPU time and 4 GiB. Prints a line for each run. Exits with 0 if all results are as expected, 1 if not, 2 if
# misused.
set -euo pipefail

readonly cpu_seconds=120 memory_mib=4096
TIMEFORMAT=%U

misused() {
  printf 'run.sh: %s\n' "$*" >&2
  exit 2
}

# The model's lines, as "KIND NAME FLAGS ; gcc=... ; pan=..."
runs_of() { sed -nE 's/^ \* (RUN|LONG|MUTANT) +([a-z0-9_]+):(.*)/\1 \2 \3/p' "$1"; }

# field NAME LINE: the text after NAME= in a line.
field() { sed -nE "s/.*; *$1=([^;]*).*/\1/p" <<<"$2"; }

# generate KIND LINE: makes pan, the program that searches. To optimise all of it would take longer than a search: one
# function for the model's steps is nearly all of its source, but takes a twentieth of its run time. So only the code
# that keeps and compares states is optimised, and nothing of a mutant, which fails at once.
generate() {
  local spin_flags gcc_flags
  spin_flags=${2%%;*}
  gcc_flags=$(field gcc "$2")
  cat >optimised.h <<'END'
#pragma GCC push_options
#pragma GCC optimize("O2")
int h_store(char *, int);
int compress(char *, int);
void d_sfh(unsigned char *, int);
void new_state(void);
unsigned long ordinal(char *, long, short);
long col_p(int, char *);
#pragma GCC pop_options
END
  [[ $1 != MUTANT ]] || : >optimised.h
  # shellcheck disable=SC2086  # the flags are words
  spin -a $spin_flags "$model" && gcc -O0 -w -DMEMLIM=$memory_mib -include optimised.h $gcc_flags -o pan pan.c
}

search() {
  ulimit -t $cpu_seconds
  ulimit -v $((memory_mib * 1024))
  # shellcheck disable=SC2086
  ./pan $1 >pan.log 2>&1 # no exec: bash would lose the time
}

# judge KIND STATUS: the result in words; fails where it is not what it must be.
judge() {
  local found
  found=$(sed -nE 's/^pan:1: (.*) \(at depth [0-9]+\)$/\1/p' pan.log | head -n 1)
  if [[ $1 == MUTANT ]]; then
    if [[ -n $found ]]; then printf 'found: %s' "$found"; else printf 'NOT FOUND'; return 1; fi
  elif [[ -n $found ]]; then
    printf 'FAULT: %s' "$found"
    return 1
  elif (($2 == 0)) && grep -q 'errors: 0$' pan.log &&
    ! grep -qE 'max search depth too small|Search not completed|reached -DMEMLIM|out of memory' pan.log; then
    printf 'none'
  else
    printf 'NOT EXHAUSTIVE: %s' "$(grep -E '^error: |reached -DMEMLIM|out of memory' pan.log | head -n 1 || true)"
    ((!$2)) || printf ' (exit code %d)' "$2"
    return 1
  fi
}

# check KIND NAME LINE: one run, in the folder at hand. The seconds are a CPU's.
check() {
  local status=0 result outcome=0 states depth seconds mib
  if ! generate "$1" "$3" >generate.log 2>&1; then
    cat generate.log >&2
    printf '%s %s: does not compile\n' "$name" "$2"
    return 1
  fi
  rm -f ./*.trail
  seconds=$({ time (search "$(field pan "$3")"); } 2>&1) || status=$?
  result=$(judge "$1" "$status") || outcome=1
  states=$(sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' pan.log | head -n 1)
  depth=$(sed -nE 's/.*depth reached ([0-9]+),.*/\1/p' pan.log | head -n 1)
  mib=$(sed -nE 's/^ *([0-9.]+)\.[0-9]*[^0-9]+total actual memory usage.*/\1/p' pan.log | head -n 1)
  printf '%-12s %-22s %10s states %8s deep %7s s %5s MiB  %s\n' \
    "$name" "$2" "${states:-?}" "${depth:-?}" "$seconds" "${mib:-?}" "$result"
  ((outcome)) || return 0
  explain "$1" "$3"
  return 1
}

# explain KIND LINE: shows the steps to a fault, or the output of the search.
explain() {
  local trail
  trail=$(basename "$model").trail
  if [[ $1 != MUTANT && -e $trail ]]; then
    # shellcheck disable=SC2086
    spin -t -p -k "$trail" ${2%%;*} "$model" >trail.log 2>&1 || true
    grep -E '^ *[0-9]+:|<<<<<' trail.log | tail -n 60 >&2
    printf 'the last steps of %s; all of them: spin -t -p -g -l -k %s %s %s\n' \
      "$(wc -l <trail.log)" "$PWD/$trail" "${2%%;*}" "$model" >&2
  else
    tail -n 40 pan.log >&2
  fi
}

folder=""
if [[ ${1-} == --in ]]; then
  folder=${2:?run.sh: --in needs a folder}
  shift 2
fi
(($# == 1 || $# == 2)) || misused "usage: run.sh [--in FOLDER] MODEL [NAME]"
[[ -r $1 ]] || misused "$1: no such model"
command -v spin >/dev/null || misused "this needs spin, which is not here (./dev setup installs it)"
model=$(realpath -- "$1")
name=$(basename "$model" .pml)
if [[ -z $folder ]]; then
  folder=$(mktemp -d)
  trap 'rm -rf -- "$folder"' EXIT
fi
mkdir -p -- "$folder"
cd -- "$folder"

wanted=${2-} checked=0 wrong=0
while read -r kind run line; do
  [[ -z $wanted || $run == "$wanted" ]] || continue
  ((checked += 1))
  check "$kind" "$run" "$line" || ((wrong += 1))
done < <(runs_of "$model")
((checked)) || misused "$name has no run ${wanted:-at all}; there are: $(runs_of "$model" | cut -d ' ' -f 2 | tr '\n' ' ')"
((wrong == 0))
