#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The bench `linux`: kmapper beside Linux's own kmap, in one run on one machine. ./dev sources this file and calls
# bench_linux; what it calls itself (say, failed, build, base_machine, measure, judged, result) stands there.
#
# Debian 12's i386 kernel, its headers and a busybox are fetched with an apt of their own, whose lists and cache lie in
# build/linux, and unpacked there: nothing of them is installed. A module of ours (the other files here) runs the
# rows in Linux; the kernel's bench job runs those of the same names in kmapper.
# shellcheck disable=SC2154  # root, machine, judgement and needs are dev's

readonly linux_folder=$root/build/linux
readonly linux_memory_mib=2048 linux_rounds=9
readonly linux_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Every row, and what is done.
linux_rows=(
  "lowmem              a page of low memory"
  "hit                 one page, mapped all the time"
  "hit-write           the same, written"
  "hit-256             256 pages in turn, all of them mapped"
  "miss-4096           4,096 pages in turn"
  "miss-65536          65,536 pages in turn"
  "pinned-256          4,096 pages in turn, 256 of 512 slots pinned"
  "pinned-448          the same, 448 of them pinned"
  "pinned-496          the same, 496 of them pinned"
  "mix-128-of-65536    90 % of the accesses on 128 of 65,536 pages"
  "mix-99-128-of-65536 99 % of them"
  "zipf-65536          65,536 pages, Zipf 0.99"
  "local               kmap_local of one page"
  "local-4-deep        the same, four on top of each other"
  "local-4096          kmap_local, 4,096 pages in turn"
  "memcpy-from-64      memcpy_from_page of 64 bytes"
  "memcpy-to-64        memcpy_to_page of 64 bytes"
  "clear-high          clear_highpage"
  "copy-high           copy_highpage"
  "vmap-1              vmap, touch and vunmap of one page"
  "vmap-16             the same of 16 pages, each touched"
  "kmap-65536-p50      kmap alone, 65,536 pages in turn: the median"
  "kmap-65536-p99      the 99th percentile"
  "kmap-65536-p99.9    the 99.9th percentile"
  "kmap-65536-max      the most"
)

# The rows of a thread that stays on each of 1 or 2 CPUs, for an operation of all of them together.
linux_cpu_rows=(
  "hits-own-pages-cpus-1 one thread: hits on 16 pages"
  "hits-own-pages-cpus-2 two threads: hits, 16 pages of its own each"
  "hits-one-page-cpus-1  one thread, one page"
  "hits-one-page-cpus-2  two threads, one page"
  "misses-cpus-1         one thread: 2,048 pages in turn"
  "misses-cpus-2         two threads: 2,048 pages of its own each"
  "mix-cpus-1            one thread: 90 % on 128 of 16,384 pages"
  "mix-cpus-2            two threads, the same pages"
)

# What is aimed at, at 512 slots: of which figure, in which row, what Linux's must at least be of ours; and the last of
# ours alone: what two CPUs must do more than one.
linux_aims=(
  "instructions hit                   10"
  "instructions miss-4096             4"
  "instructions pinned-496            6"
  "instructions mix-128-of-65536      6"
  "instructions local                 4"
  "ns           local                 2"
  "instructions memcpy-from-64        3"
  "instructions vmap-16               3"
  "instructions kmap-65536-p99.9      40"
  "ns           hits-own-pages-cpus-2 3"
  "ns           misses-cpus-2         3"
  "own          hits-own-pages        1.01"
  "own          misses                1.01"
)
declare -A linux_ratios=() # of "FIGURE ROW"

need_for_linux() {
  need gcc-12 have gcc-12 # what Debian built that kernel with
  need make have make
  need cpio have cpio
  need debian-archive-keyring test -e "$linux_keyring"
}

bench_linux() {
  local begun=$SECONDS load
  read -r load _ </proc/loadavg
  linux_fetch
  linux_build_module
  build kernel
  linux_caption "$load"
  linux_instructions
  linux_nanoseconds
  linux_judge
  linux_code
  say "all of it took $(((SECONDS - begun + 30) / 60)) min"
}

# --- Linux, from Debian's packages --------------------------------------------------------------------------

# Once: packages are kept, and so stay of one version until ./dev clean.
linux_fetch() {
  [[ ! -e $linux_folder/fetched ]] || return 0
  local log=$linux_folder/fetch.log
  rm -rf -- "$linux_folder"
  mkdir -p "$linux_folder"/apt/{lists/partial,cache/archives/partial} "$linux_folder/debs" "$linux_folder/root"
  say "fetching Debian 12's i386 kernel and its headers, 70 MB, into build/linux"
  linux_fetch_packages >"$log" 2>&1 </dev/null || failed "Debian 12's i386 kernel cannot be had from" \
    "http://deb.debian.org/debian: $(grep -E '^(E|dpkg-deb): ' "$log" | head -n 1 || true) (all it said: $log)"
}

linux_fetch_packages() {
  local image headers deb
  : >"$linux_folder/apt/status"
  printf 'deb [signed-by=%s] http://deb.debian.org/debian bookworm main\n' "$linux_keyring" \
    >"$linux_folder/apt/sources.list"
  # The headers' programs (fixdep, modpost) run here: they are taken for amd64.
  linux_apt apt-get -o Acquire::Retries=1 -o APT::Update::Error-Mode=any update || return 1
  image=$(linux_dependency linux-image-686-pae linux-image)
  headers=$(linux_dependency linux-headers-686-pae linux-headers)
  [[ -n $image && -n $headers ]] || { say "E: no linux-image-686-pae in the lists"; return 1; }
  (cd "$linux_folder/debs" && linux_apt apt-get download "$image:i386" "$headers:i386" "${headers%-686-pae}-common" \
    "linux-kbuild-6.1:amd64" busybox-static:i386) || return 1
  for deb in "$linux_folder"/debs/*.deb; do
    dpkg-deb --extract "$deb" "$linux_folder/root" || return 1
  done
  # The headers name their other half by where it would be installed.
  printf 'include %s\n' "$linux_folder/root/usr/src/${headers%-686-pae}-common/Makefile" \
    >"$linux_folder/root/usr/src/$headers/Makefile" || return 1
  {
    printf '%s\n' "${headers#linux-headers-}"
    dpkg-deb --field "$linux_folder/debs/$image"_*.deb Version
  } >"$linux_folder/fetched.new" && mv "$linux_folder/fetched.new" "$linux_folder/fetched"
}

# linux_apt PROGRAM WORD...: apt-get or apt-cache with lists, cache and sources of its own; it knows nothing of what this
# machine has installed.
linux_apt() {
  "$1" -o "Dir::State::lists=$linux_folder/apt/lists" -o "Dir::State::status=$linux_folder/apt/status" \
    -o "Dir::Cache=$linux_folder/apt/cache" -o "Dir::Etc::sourcelist=$linux_folder/apt/sources.list" \
    -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o Acquire::Languages=none \
    -o APT::Architecture=i386 -o APT::Architectures::=i386 -o APT::Architectures::=amd64 "${@:2}"
}

# linux_dependency PACKAGE BEGINNING: the package of that beginning that PACKAGE, which is empty, stands for.
linux_dependency() {
  linux_apt apt-cache show "$1:i386" | sed -n "s/^Depends: *\($2-[^ ,]*\).*/\1/p" | head -n 1
}

# The module, and a first file system that loads it.
linux_build_module() {
  local release module=$linux_folder/module files=$linux_folder/initramfs
  release=$(head -n 1 "$linux_folder/fetched")
  rm -rf -- "$files"
  mkdir -p "$module" "$files"/{bin,proc}
  cp "$root"/bench/linux/{Kbuild,*.c,*.h} "$root/bench/sequences.h" "$module/"
  quietly linux-module "building the module for Linux $release" \
    make -C "$linux_folder/root/usr/src/linux-headers-$release" "M=$module" modules
  cp "$module/kmap_bench.ko" "$root/bench/linux/init" "$files/"
  cp "$linux_folder/root/bin/busybox" "$files/bin/"
  ln -s busybox "$files/bin/sh"
  (cd "$files" && find . | cpio --quiet -o -H newc) >"$linux_folder/initramfs.cpio"
}

# --- Two systems on one machine -----------------------------------------------------------------------------

# linux_measure NAME WORDS OPTION...: boots Linux with these words of its command line (kmap_bench.* are the module's) and
# options of QEMU.
linux_measure() {
  base_machine "$linux_memory_mib" tcg
  measure "$1" -kernel "$linux_folder/root/boot/vmlinuz-$(head -n 1 "$linux_folder/fetched")" \
    -initrd "$linux_folder/initramfs.cpio" -append "console=ttyS0 quiet nokaslr printk.time=0 $2" "${@:3}"
}

# kmapper_measure NAME WORDS OPTION...: the same for kmapper.
kmapper_measure() {
  base_machine "$linux_memory_mib" tcg
  measure "$1" -append "$2" "${@:3}"
}

# linux_read KEY NAME...: what the machines of these names measured, a line for each row: KEY ROW FIGURE UNIT INVLPGS
# FULL_FLUSHES IPIS, the last three in 1,000 operations, dashes for what they do not say. Linux counts these in lines of their
# own, whose key is KEY-tlb. Rows of several CPUs have the loop's own cost subtracted here: each system prints it as
# the first of them.
linux_read() {
  local key=$1 name logs=()
  for name in "${@:2}"; do logs+=("$root/build/bench-$name.log"); done
  tr -d '\r' < <(cat "${logs[@]}") | awk -v key="$key" '
    function figure(name, otherwise,   i) {
      for (i = 3; i <= NF; ++i) if (index($i, name "=") == 1) return substr($i, length(name) + 2)
      return otherwise
    }
    # job=scale counts these for 1,000 misses
    function told(name) { return sprintf("%.2f", figure(name, 0) * figure("misses", 0) / 1000) }
    function row(name, value, unit, others,   cpus) {
      if (match(name, /-cpus-[0-9]+$/)) {
        cpus = substr(name, RSTART)
        if (name == "loop" cpus) loop[cpus] = value
        value = sprintf("%.2f", value - loop[cpus])
      }
      print key, name, value, unit, others
    }
    # where IPIs are not counted there is one CPU, and nobody to send them to
    function others() { return figure("invlpg/1000", "-") " " figure("full/1000", "-") " " figure("ipi/1000", "0.00") }
    $1 == "bench" { row($2, $3, "counts", others()) }
    $1 == "scale" { row($2 "-cpus-" figure("cpus"), figure("ns"), "ns", told("invlpgs") " " told("full") " " told("ipis")) }
    $1 == "tlb" { print key "-tlb", $2, "-", "-", others() }'
}

# Counts that the time-stamp counter of NAME's machine had in a second.
linux_counts_a_second() { sed -n 's/.* slots; \([0-9]*\) counts a second.*/\1/p' "$root/build/bench-$1.log"; }

linux_caption() {
  local release version cpu
  { read -r release; read -r version; } <"$linux_folder/fetched"
  base_machine "$linux_memory_mib" tcg
  cpu=" ${machine[*]} " cpu=${cpu#* -cpu } cpu=${cpu%% *}
  cat <<END
linux: kmapper beside Linux $release (Debian $version), $(date +%Y-%m-%d), ./dev bench linux
  machine  $(qemu-system-x86_64 --version | head -n 1 | sed 's/emulator version //') with TCG, -cpu $cpu, ${linux_memory_mib} MiB of memory,
           on $(nproc) CPUs of $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1); load $1 at the start
  one op   map a page, read one word of it, unmap it; kmap-65536-*: the call of kmap alone. The same loop without the
           operation is measured too, and subtracted; the cheapest of several batches counts, on both
  Linux    512 slots, as Debian ships it: one lock for all slots taken with interrupts off, preemption count, might_sleep,
           hash from page to address; on one CPU it takes the lock prefixes out of its own code
  kmapper  the build that people ship: SMP-safe (it keeps its locked instructions on one CPU), statistics on, misuse
           detected; hits without a lock; interrupt state, and whether the caller may sleep, only where a miss needs it
END
}

# --- Instructions -------------------------------------------------------------------------------------------

linux_instructions() {
  local counted clock row about theirs ours ratio wide their_flushes our_flushes
  local cpus="job=scale ops=16384 rounds=1"
  linux_measure linux-instructions "kmap_bench.tlb=1" -icount shift=0
  # Under icount a second CPU starts only while the first executes PAUSE: the module starts it.
  linux_measure linux-cpus-instructions "maxcpus=1 kmap_bench.cpus=1 kmap_bench.ops=16384 kmap_bench.rounds=1" \
    -smp 2 -icount shift=0
  linux_measure linux-cpus-flushes "kmap_bench.cpus=1 kmap_bench.tlb=1 kmap_bench.ops=16384 kmap_bench.rounds=1" -smp 2
  kmapper_measure kmapper-instructions "job=bench slots=512" -icount shift=0
  kmapper_measure kmapper-cpus-instructions "$cpus slots=512" -smp 2 -icount shift=0
  kmapper_measure kmapper-cpus-flushes "$cpus slots=512" -smp 2
  kmapper_measure kmapper-8192-instructions "job=bench slots=8192" -icount shift=0
  kmapper_measure kmapper-8192-cpus-instructions "$cpus slots=8192" -smp 2 -icount shift=0
  counted=$(linux_read linux linux-instructions linux-cpus-instructions
    linux_read linux linux-cpus-flushes | sed -n 's/^linux-tlb /flushes /p'
    linux_read ours kmapper-instructions kmapper-cpus-instructions
    linux_read our-flushes kmapper-cpus-flushes
    linux_read wide kmapper-8192-instructions kmapper-8192-cpus-instructions)
  clock=$(awk '$1 == "linux" && $2 == "instruction" { print $3 }' <<<"$counted")
  [[ $clock == 1.00 ]] || failed "under -icount shift=0 the time-stamp counter says $clock for one instruction, not 1.00"

  say ""
  say "instructions an operation, under -icount shift=0; INVLPGs, full flushes and IPIs in 1,000 operations (an INVLPG, a CR3 or"
  say "CR4 load, an IPI and each turn of a rep count as one instruction; Linux's flushes are counted by kprobes in a pass of"
  say "their own). CPUs take turns under icount: the rows of two CPUs have their flushes and IPIs from a run without it"
  printf '  %-21s %9s %9s %7s %9s  %17s %17s  %s\n' \
    row Linux kmapper ratio "8,192" "Linux I/F/IPI" "kmapper I/F/IPI" "what is done"
  while read -r row about; do
    IFS=$'\t' read -r theirs ours ratio wide their_flushes our_flushes < <(linux_instruction_row "$row" <<<"$counted")
    [[ $theirs != - && $ours != - ]] || failed "a system measured no row $row, in instructions"
    printf '  %-21s %9s %9s %7s %9s  %17s %17s  %s\n' \
      "$row" "$theirs" "$ours" "$ratio" "$wide" "$their_flushes" "$our_flushes" "$about"
    linux_ratios["instructions $row"]=$ratio
    linux_result "$row" "$theirs" "instructions, Linux" -
    linux_result "$row" "$ours" "instructions, kmapper" -
    linux_result "$row" "$wide" "instructions, kmapper with 8192 slots" -
    linux_result "$row" "$ratio" "instructions, Linux / kmapper" -
  done < <(printf '%s\n' "${linux_rows[@]}" "${linux_cpu_rows[@]}")
}

# linux_instruction_row ROW: Linux's figure, ours, the ratio, ours with 8,192 slots, flushes of both, with tabs.
linux_instruction_row() {
  awk -v row="$1" -v OFS='\t' '
    $2 == row { figure[$1] = $3; flushes[$1] = $5 "/" $6 "/" $7 }
    function shown(value) { return value == "" ? "-" : value }
    function either(one, other) { return one in flushes ? flushes[one] : shown(flushes[other]) }
    END {
      ratio = figure["ours"] > 0 && figure["linux"] != "" ? sprintf("%.2f", figure["linux"] / figure["ours"]) : "-"
      print shown(figure["linux"]), shown(figure["ours"]), ratio, shown(figure["wide"]),
        either("flushes", "linux-tlb"), either("our-flushes", "ours")
    }'
}

# linux_result ROW VALUE UNIT AIM: as `result`, where there is a value.
linux_result() { [[ $2 == - ]] || result linux "$@"; }

# --- Nanoseconds --------------------------------------------------------------------------------------------

# Both systems in turn, round for round. Both count in the host's time-stamp counter, which kmapper measures against the timer
# chip; the median of what it found converts the counts of both.
linux_nanoseconds() {
  local round measured="" rates="" rate words="ops=4096 batches=15" cpus="ops=65536 rounds=5" load
  for ((round = 1; round <= linux_rounds; ++round)); do
    say "ns: round $round of $linux_rounds" >&2
    linux_measure linux-ns "kmap_bench.${words/ / kmap_bench.}"
    kmapper_measure kmapper-ns "job=bench slots=512 $words"
    kmapper_measure kmapper-8192-ns "job=bench slots=8192 $words"
    linux_measure linux-cpus-ns "kmap_bench.cpus=1 kmap_bench.${cpus/ / kmap_bench.}" -smp 2
    kmapper_measure kmapper-cpus-ns "job=scale slots=512 $cpus" -smp 2
    kmapper_measure kmapper-8192-cpus-ns "job=scale slots=8192 $cpus" -smp 2
    measured+=$(linux_read linux linux-ns linux-cpus-ns
      linux_read ours kmapper-ns kmapper-cpus-ns
      linux_read wide kmapper-8192-ns kmapper-8192-cpus-ns)$'\n'
    rates+=$(linux_counts_a_second kmapper-ns)$'\n'
  done
  read -r load _ </proc/loadavg
  rate=$(sort -n <<<"${rates%$'\n'}" | sed -n "$(((linux_rounds + 1) / 2))p")
  linux_nanosecond_table "$rate" "$measured" "$load"
}

# linux_nanosecond_table COUNTS_A_SECOND MEASURED LOAD
linux_nanosecond_table() {
  local row about theirs their_spread ours our_spread ratio wide wide_spread one="" one_spread
  say ""
  say "ns an operation, without icount; $linux_rounds rounds, both systems in turn: the median, and in brackets what lies between"
  say "the quartiles; no ratio where that, on either side, is more than the medians are apart. Rows of 2 CPUs: for an"
  say "operation of both together; with perfect scaling they have half the figure of 1. Load $3 at the end"
  printf '  %-21s %18s %18s %7s %18s  %s\n' row Linux kmapper ratio "8,192" "what is done"
  while read -r row about; do
    IFS=$'\t' read -r theirs their_spread ours our_spread ratio wide wide_spread < \
      <(linux_nanosecond_row "$row" "$1" <<<"$2")
    [[ $theirs != - && $ours != - ]] || failed "a system measured no row $row, in ns"
    printf '  %-21s %18s %18s %7s %18s  %s\n' \
      "$row" "$theirs ($their_spread)" "$ours ($our_spread)" "$ratio" "$wide ($wide_spread)" "$about"
    linux_ratios["ns $row"]=$ratio
    case $row in
      *-cpus-1) one=$ours one_spread=$our_spread ;;
      *-cpus-2)
        linux_ratios["own ${row%-cpus-2}"]=$(awk "$linux_awk_ratio BEGIN { print ratio($one, $one_spread, $ours, $our_spread) }")
        ;;
    esac
    linux_result "$row" "$theirs" "ns, Linux" -
    linux_result "$row" "$their_spread" "ns between quartiles, Linux" -
    linux_result "$row" "$ours" "ns, kmapper" -
    linux_result "$row" "$our_spread" "ns between quartiles, kmapper" -
    linux_result "$row" "$wide" "ns, kmapper with 8192 slots" -
    linux_result "$row" "$ratio" "ns, Linux / kmapper" -
  done < <(printf '%s\n' "${linux_rows[@]}" "${linux_cpu_rows[@]}")
}

# linux_nanosecond_row ROW COUNTS_A_SECOND: median and spread of Linux, of kmapper, the ratio, and median and spread of
# kmapper with 8,192 slots, with tabs.
linux_nanosecond_row() {
  awk -v row="$1" -v rate="$2" '$2 == row { print $1, $4 == "ns" ? $3 : $3 * 1000000000 / rate }' |
    sort -k 1,1 -k 2,2g | awk -v OFS='\t' "$linux_awk_ratio"'
    { values[$1, ++count[$1]] = $2 }
    function at(key, part) { return values[key, int((count[key] - 1) * part + 1.5)] }
    function shown(value) {
      return value == "" ? "-" : sprintf(value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value)
    }
    END {
      for (key in count) { median[key] = at(key, 0.5); spread[key] = at(key, 0.75) - at(key, 0.25) }
      print shown(median["linux"]), shown(spread["linux"]), shown(median["ours"]), shown(spread["ours"]),
        ratio(median["linux"], spread["linux"], median["ours"], spread["ours"]),
        shown(median["wide"]), shown(spread["wide"])
    }'
}

# Medians and spreads of two figures, and how many times the second the first is: a dash where either spread is more
# than they are apart. For awk.
readonly linux_awk_ratio='
  function ratio(one, one_spread, other, other_spread,   gap) {
    gap = one > other ? one - other : other - one
    return other > 0 && one_spread <= gap && other_spread <= gap ? sprintf("%.2f", one / other) : "-"
  }'

# --- The aims, and the code ---------------------------------------------------------------------------------

linux_judge() {
  local figure row least ratio verdict
  say ""
  say "aims at 512 slots: how many times kmapper's figure Linux's is; \"own\": how much more two CPUs do than one in kmapper"
  printf '  %-13s %-21s %8s %7s   %s\n' figure row ratio aim verdict
  while read -r figure row least; do
    ratio=${linux_ratios["$figure $row"]}
    if [[ $ratio == - ]]; then
      verdict="no claim: the spread is more than the gap"
    else
      judged "$ratio" ">= $least"
      verdict=met
      [[ $judgement != *missed* ]] || verdict=missed
    fi
    printf '  %-13s %-21s %8s %7s   %s\n' "$figure" "$row" "$ratio" ">= $least" "$verdict"
    linux_result "$row" "$ratio" "$figure: ratio" ">= $least"
  done < <(printf '%s\n' "${linux_aims[@]}")
}

# The size of the mapper's code in the kernel, and of what a hit executes of it: QEMU logs each instruction that the row
# hit-write executes, and those that almost every operation executes are the hit path, with the loop around it.
linux_code() {
  local kernel=$root/build/kernel/kmapper-kernel object first size text count bytes
  object=$(find "$root/build/kernel" -name 'highmem.cpp.obj' | head -n 1)
  text=$(size -A "$object" | awk '$1 ~ /^\.text/ { sum += $2 } END { print sum }')
  read -r first size < <(nm --demangle --print-size "$kernel" | awk '/run_batch<.*::Write>/ { print $1, $2 }')
  kmapper_measure kmapper-hit "job=bench slots=512 ops=4096 batches=1" -singlestep -d exec,nochain \
    -dfilter "0x$first+0x$size" -D "$root/build/bench-kmapper-hit.trace"
  read -r count bytes < <({
    awk -F/ '/^Trace/ { ++times[$2] } END { for (pc in times) if (times[pc] > 4096) print "hot", substr(pc, length(pc) - 7) }' \
      "$root/build/bench-kmapper-hit.trace"
    objdump --disassemble --no-show-raw-insn --start-address="0x$first" --stop-address=$((0x$first + 0x$size)) "$kernel"
  } | awk '
    $1 == "hot" { hot[$2]; next }
    $1 ~ /^[0-9a-f]+:$/ {
      pc = substr($1, 1, length($1) - 1)
      if (before in hot) { ++count; bytes += value(pc) - value(before) }
      before = pc
    }
    function value(hex,   i, n) {
      for (i = 1; i <= length(hex); ++i) n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
      return n
    }
    END { print count, bytes }')
  rm -f -- "$root/build/bench-kmapper-hit.trace"
  say ""
  say "code: the kernel platform's mapper has $text bytes out of line; a hit (kmap, a write, kunmap, the bench's loop) executes" \
    "$count instructions of $bytes bytes, $(((bytes + 63) / 64)) cache lines' worth"
  result linux "mapper, out of line" "$text" bytes -
  result linux "hit with a write and the loop" "$bytes" "bytes of code" -
}
