#!/usr/bin/env bash
# Compares the example bigsort with sort: text records of one length, more than fit into its memory.
#
# bigsort.sh [EMULATOR...] BIGSORT
set -uo pipefail
export LC_ALL=C

bigsort=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
  printf 'not ok: %s\n' "$*"
  exit 1
}

# sorts HOW FILE OPTION...: checks that bigsort's result is that of sort with HOW, a word
sorts() {
  local how=$1 file=$2 said
  shift 2
  said=$("${bigsort[@]}" "$@" --memory 4M "$file" sorted 2>&1) || fail "bigsort $* ended with $?: $said"
  # shellcheck disable=SC2086  # the words of HOW
  sort $how "$file" | cmp -s - sorted || fail "bigsort $*: not what sort makes of it; it said: $said"
  [[ $said =~ runs\ +([0-9]+), && ${BASH_REMATCH[1]} -ge 2 ]] || fail "bigsort $*: one run shows nothing: $said"
}

# refuses CODE MESSAGE WORD...
refuses() {
  local code=$1 message=$2 said status=0
  shift 2
  said=$("${bigsort[@]}" "$@" 2>&1) || status=$?
  if ((status != code)) || [[ $said != "bigsort: "*"$message"* || $said == *$'\n'* ]]; then
    fail "bigsort $*: should say: $message ($code), and said: $said ($status)"
  fi
}

# Lines of 32 and of 50,000 characters; the longer ones do not fit into the window's granules.
awk 'BEGIN { srand(1); for (i = 0; i < 250000; ++i) printf "%08d %06d %015d\n", rand() * 1e8, rand() * 1000, i }' >lines
awk 'BEGIN { srand(2); for (i = 0; i < 150; ++i) printf "%08d%49991d\n", rand() * 1e8, i }' >long
sorts "" lines --record 32
sorts "-s -k2,2" lines --record 32 --key 9:6
sorts "" long --record 50000

cp lines both
"${bigsort[@]}" --record 32 --memory 4M both both >said || fail "bigsort in place: $(cat said)"
sort lines | cmp -s - both || fail "bigsort in place: not what sort makes of it"

: >empty
"${bigsort[@]}" --record 32 empty sorted >said || fail "bigsort of an empty file: $(cat said)"
[[ ! -s sorted ]] || fail "of an empty file it makes one that is not"
[[ $("${bigsort[@]}" --help) == "usage: bigsort"* ]] || fail "--help"

refuses 2 "--record SIZE is missing" lines sorted
refuses 2 "--record 0: out of range" --record 0 lines sorted
refuses 2 "--key 30:3: ends beyond the record, which has 32 bytes" --record 32 --key 30:3 lines sorted
refuses 2 "--memory 1T: not a size" --record 32 --memory 1T lines sorted
refuses 2 "there is no option --fast" --fast lines sorted
refuses 2 "it takes two files" --record 32 lines
refuses 1 "nowhere: No such file" --record 32 nowhere sorted
refuses 1 "lines: 8000000 bytes are not a whole number of records of 33" --record 33 lines sorted
refuses 1 "/dev/null: not a regular file" --record 32 /dev/null sorted
cp lines both
(trap '' XFSZ && ulimit -f 4096 && refuses 1 "File too large" --record 32 both both) || exit 1
cmp -s lines both || fail "a file that cannot be sorted is no longer as it was"
