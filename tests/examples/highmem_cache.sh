#!/usr/bin/env bash
# The example highmem_cache: it checks its results itself; this test checks that it keeps within its limits.
#
# highmem_cache.sh [EMULATOR...] PROGRAM
set -uo pipefail

program=("$@")

fail() {
  printf 'not ok: %s\n' "$*"
  exit 1
}

refuses() {
  local code=$1 message=$2 said status=0
  shift 2
  said=$("${program[@]}" "$@" 2>&1) || status=$?
  if ((status != code)) || [[ $said != "highmem_cache: "*"$message"* || $said == *$'\n'* ]]; then
    fail "highmem_cache $*: should say: $message ($code), and said: $said ($status)"
  fi
}

said=$("${program[@]}" --cache 24M --memory 1M --reads 20000) || fail "it ended with $?: $said"
for line in "filled    6144 pages of 4096 bytes, 24.0 MiB" "read      20000 of 7680 pages: 1[0-9]+ hits .8[0-9][.]" \
  "verified  6144 pages" "window    [0-9.]+ KiB mapped, of 1.0 MiB" "keeps 24.0 MiB"; do
  [[ $said =~ $line ]] || fail "it should say: $line; and said: $said"
done
[[ $said =~ ([0-9]+)\ misses,\ ([0-9]+)\ evictions && ${BASH_REMATCH[1]} -eq ${BASH_REMATCH[2]} && ${BASH_REMATCH[1]} -gt 100 ]] ||
  fail "a full cache evicts a page for each that it misses; it said: $said"

[[ $("${program[@]}" --help) == "usage: highmem_cache"* ]] || fail "--help"
refuses 2 "--cache much: not a size" --cache much
refuses 2 "--memory 1K: out of range" --memory 1K
refuses 2 "--reads needs a value" --reads
refuses 2 "unexpected argument file" file
if (($(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo) < 64 * 1024 * 1024)); then
  refuses 1 "of memory left" --cache 64G
fi
