#!/usr/bin/env bash
# The bench `process`: the window in a Linux process beside what people use today. ./dev sources this file and calls
# bench_process; what it calls itself (say, build, free_memory_mib, judged, result) stands there.
#
# bench/process_bench.cpp measures, in 64 and in 32 bits, and prints fields; this lays them out, and judges the aims.
# All that was printed lies in build/bench-process.log; build/bench-process.md has it as the tables of
# docs/BENCHMARKS.md.
# shellcheck disable=SC2154  # root, short, only, judgement and runs_32_bit are dev's

bench_process() {
  local begun=$SECONDS log=$root/build/bench-process.log load words=(full)
  build release process_bench
  [[ $runs_32_bit != native ]] || build m32-release process_bench
  ((!short)) || words=(quick)
  read -r load _ </proc/loadavg
  process_caption "$load"
  : >"$log"
  process_run release 8192
  if [[ $runs_32_bit == native ]]; then
    process_run m32-release 4096
  else
    say ""
    say "32 bits: no figures, because this machine does not run 32-bit programs itself"
  fi
  process_aims
  read -r load _ </proc/loadavg
  say "process: all of it took $((SECONDS - begun)) s; load $load at the end"
  process_markdown <"$log" >"$root/build/bench-process.md"
}

process_caption() {
  cat <<END
process: the window in a Linux process, $(date +%Y-%m-%d), ./dev bench process
  machine  Linux $(uname -r) on $(nproc) CPUs of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1); load $1 at the start
  loads    uniform: any granule, a line (64 bytes) of each of its pages is read. zipf: 64 bytes of a granule, Zipf 0.99. 90/10: the
           same, nine of ten in a tenth of the granules. scan: every byte, per 4 KiB. writes: 64 bytes anywhere; 256, then
           a sync: fdatasync, for all of them, after the cache has written back what was written to it
  figures  ns an operation: the median, and the quartiles in brackets; x: to the window's, a dash where the spreads overlap. Of
           one thread: for how long it ran, but writes: how long it took. Of two threads, each on a CPU of its own: how long
           an operation of both together took. calls, faults: an operation of one thread. memory: the most that was
           resident, page tables too, to the budget, a sixteenth of the file
END
}

# process_run PRESET MIB: of files of so many MiB, or as many as the free memory allows.
process_run() {
  local mib=$2 free_mib
  free_mib=$(free_memory_mib)
  ((!short)) || mib=256
  while ((mib > 64 && mib * 5 / 4 + 1024 > free_mib)); do ((mib /= 2)); done
  say ""
  say "$(process_bits "$1") bits: files of $mib MiB, budgets of $((mib / 16)) MiB; $free_mib MiB of memory are free"
  "$root/build/$1/bench/process_bench" "$mib" "${words[@]}" "$only" | tee -a "$log" | process_table ||
    failed "the bench's program for $(process_bits "$1") bits has failed"
}

process_bits() { [[ $1 == m32* ]] && printf 32 || printf 64; }

# The rows, as they come; awk might wait for more of them.
process_table() {
  local kind what name one least most times two two_least two_most two_times calls faults memory last=""
  local format='%-30s %24s %8s %24s %8s %6s %7s %7s\n'
  while IFS=$'\t' read -r kind _ what name one least most times two two_least two_most two_times calls faults memory; do
    case $kind in
      hit) printf '  %-30s %24s ns\n' "$what" "$(process_figure "$name" "$one" "$least")" ;;
      row)
        # shellcheck disable=SC2059  # it is a format
        [[ $what == "$last" ]] ||
          printf "  $format" "$what" "1 thread, ns" "" "2 threads, ns" "" calls faults memory
        last=$what
        [[ $times == - ]] || times=x$times
        [[ $two_times == - ]] || two_times=x$two_times
        # shellcheck disable=SC2059
        printf "    ${format/30/28}" "$name" "$(process_figure "$one" "$least" "$most")" "$times" \
          "$(process_figure "$two" "$two_least" "$two_most")" "$two_times" "$calls" "$faults" "$memory"
        ;;
      note) say "  note: $what" ;;
    esac
  done
}

# process_figure MEDIAN LOWER UPPER
process_figure() {
  local value digits shown=()
  for value; do
    printf -v digits '%.0f' "$value"
    if ((digits < 10)); then printf -v digits '%.2f' "$value"; fi
    shown+=("$digits")
  done
  printf '%s [%s-%s]' "${shown[@]}"
}

# The aims, of both widths, and everything for --json.
process_aims() {
  local kind bits rest what median lower upper aim
  say ""
  say "process: aims; ratios of the rounds, the median and the quartiles"
  while IFS=$'\t' read -r kind bits rest; do
    case $kind in
      aim)
        IFS=$'\t' read -r what median lower upper aim <<<"$rest"
        judged "$median" "$aim"
        printf '  %s bits, %-90s %6.2f [%.2f-%.2f]  %s\n' "$bits" "$what" "$median" "$lower" "$upper" "$judgement"
        result process "$bits bits, $what" "$median" ratio "$aim"
        ;;
      hit | row) process_results "$kind" "$bits bits" "$rest" ;;
    esac
  done <"$log"
}

# process_results KIND BITS FIELDS
process_results() {
  local field row
  IFS=$'\t' read -r -a field <<<"$3"
  if [[ $1 == hit ]]; then
    result process "$2, ${field[0]}" "${field[1]}" ns -
    return
  fi
  row="$2, ${field[0]}, ${field[1]}"
  result process "$row, 1 thread" "${field[2]}" ns -
  result process "$row, 2 threads" "${field[6]}" ns -
  [[ ${field[10]} == - ]] || result process "$row, system calls" "${field[10]}" "an operation" -
  result process "$row, faults" "${field[11]}" "an operation" -
  result process "$row, memory" "${field[12]}" "to the budget" -
}

# The log as tables: the times, what they are made of, and the aims. They go into docs/BENCHMARKS.md by
#   sed -i -e '/^<!-- build.bench-process.md -->/,/^<!-- end -->/{//!d}' \
#     -e '/^<!-- build.bench-process.md -->/r build/bench-process.md' docs/BENCHMARKS.md
process_markdown() {
  awk -F '\t' '
    function short(value) { return sprintf(value < 10 ? "%.2f" : value < 1000 ? "%.0f" : "%d", value) }
    function times(at) { return short($at) " (" short($(at + 2) - $(at + 1)) ")" }
    function head(title,   i, line, rule) {
      line = "| bits | " title; rule = "| ---: | ---"
      for (i = 1; i <= contenders; ++i) { line = line " | " names[i]; rule = rule " | ---:" }
      print ""; print line " |"; print rule " |"
    }
    function table(title, cells,   i, j, line) {
      head(title)
      for (i = 1; i <= contests; ++i) {
        line = "| " bits[i] " | " what[i]
        for (j = 1; j <= contenders; ++j) line = line " | " cells[i, names[j]]
        print line " |"
      }
    }
    $1 == "hit" { hits[++hit_count] = "| " $2 " | " $3 " | " times(4) " |" }
    $1 == "row" {
      if ($2 $3 != last) { bits[++contests] = $2; what[contests] = $3; last = $2 $3 }
      if (!($4 in known)) { known[$4]; names[++contenders] = $4 }
      ns[contests, $4] = times(5) " / " times(9)
      work[contests, $4] = $13 " / " $14 " / " $15
    }
    $1 == "aim" {
      split($7, limit, " ")
      met = limit[1] == "<=" ? $4 <= limit[2] : $4 >= limit[2]
      aims[++aim_count] = sprintf("| %s | %s | %.2f (%.2f to %.2f) | %s | %s |", $2, $3, $4, $5, $6, $7, met ? "met" : "missed")
    }
    END {
      print ""; print "| bits | hits | ns |"; print "| ---: | --- | ---: |"
      for (i = 1; i <= hit_count; ++i) print hits[i]
      table("ns, 1 thread / 2 threads", ns)
      table("system calls / faults / memory", work)
      print ""; print "| bits | aim of | ratio | aim | verdict |"; print "| ---: | --- | ---: | ---: | --- |"
      for (i = 1; i <= aim_count; ++i) print aims[i]
      print ""
    }'
}
