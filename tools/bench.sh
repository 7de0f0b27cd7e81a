# usage: ./dev bench [OPTION...] [kernel|core|process|linux]
#
# Measures, and prints each figure beside its aim; all but linux unless some are named.
#
#   kernel        guest instructions for one map, touch and unmap, with the loop's own cost subtracted, in a machine
#                 that counts them (-icount shift=0); beside it INVLPGs and flushes of the whole TLB, and the time
#                 without icount. 512 slots, the build that people ship. Then what one operation takes when one, two and
#                 four CPUs do them at once, and what these have to tell each other: medians of nine rounds, for a
#                 host that does nothing else.
#   core          a hit beside an atomic add and subtract, in a program on this machine
#   highmem       the calls of kmapper/linux/highmem.h in a process on this machine, all checked or a sample of them
#   process       the window in a Linux process, of 64 and of 32 bits, beside what people use today: random accesses,
#                 Zipf, 90/10, scans, writes and reads from a disk, with one, two and four threads; on memory files and
#                 disk files of 4 GiB (2 GiB in 32 bits), or of as much as half of the free memory; the budget is a
#                 sixteenth or, in 64 bits, a quarter. Medians of seven rounds in turn; only ratios may be compared with
#                 another run's. It takes up to 25 minutes
#   linux         kmapper beside Linux's own kmap: the same work in Debian 12's i386 kernel, which is fetched once, on
#                 the same machine, in instructions and ns. It takes some ten minutes.
#
#   --short       process: files of 256 MiB, three rounds: three minutes
#   --only TEXT   process: only the contests whose names have that text, as "memory file, 4 KiB, 1/16, zipf"
#   --json FILE   write the figures there too: a list of {"bench", "row", "value", "unit", "aim"}

# The Python program in tools/bench measures and judges; this installs what it needs, builds, and calls it.
# shellcheck shell=bash disable=SC2154  # root is dev's, machine is machine.sh's, runs_32_bit is width.sh's

# shellcheck source=tools/machine.sh
source "$root/tools/machine.sh"
# shellcheck source=bench/linux/prepare.sh
source "$root/bench/linux/prepare.sh"

command_bench() {
  local json="" short=0 only="" wanted=() bench
  while (($#)); do
    [[ $1 != --?*=* ]] || set -- "${1%%=*}" "${1#*=}" "${@:2}"
    case $1 in
      --json) json=$(value "$@"); shift ;;
      --short) short=1 ;;
      --only) only=$(value "$@"); shift ;;
      --help | -h) usage_of bench; return ;;
      kernel | core | highmem | process | linux) wanted+=("$1") ;;
      *) misused "bench knows no $1; there are: kernel, core, highmem, process, linux, --short, --only TEXT, --json FILE" ;;
    esac
    shift
  done
  ((${#wanted[@]})) || wanted=(kernel core highmem process)
  if [[ -n $json ]]; then : 2>/dev/null >"$json" || misused "--json $json: cannot be written"; fi

  [[ " ${wanted[*]} " == *" process "* || ($short == 0 && -z $only) ]] ||
    misused "--short and --only are for the bench process, and it is not among: ${wanted[*]}"

  need_for_benches "${wanted[@]}"
  rm -f -- "$root/build/bench.json" # where each bench adds its figures
  for bench in "${wanted[@]}"; do "bench_$bench"; done
  figures end ${json:+"$json"}
}

need_for_benches() {
  local bench
  need_build_tools
  for bench; do
    case $bench in
      kernel) need_qemu; need_32_bit ;;
      core | highmem) need_googletest ;;
      process) need_googletest; find_32_bit; need_boost ;;
      linux) need_qemu; need_32_bit; need_for_linux ;;
    esac
  done
  install_needs
}

# figures BENCH [WORD...]: measures, shows, judges and keeps them.
figures() { python3 -B "$root/tools/bench" "$@"; }

bench_kernel() {
  build kernel
  base_machine 1024 tcg
  figures kernel "${machine[@]}"
}

bench_core() {
  build release core_bench
  figures core
}

bench_highmem() {
  build release highmem_bench
  figures highmem
}

bench_process() {
  local begun=$SECONDS load depth=full preset presets=(release)
  ((!short)) || depth=quick
  [[ $runs_32_bit != native ]] || presets+=(m32-release)
  for preset in "${presets[@]}"; do build "$preset" process_bench; done
  figures process "$depth" "$only" "$(free_memory_mib)" "${presets[@]}"
  read -r load _ </proc/loadavg
  say "process: all of it took $((SECONDS - begun)) s; load $load at the end"
}

bench_linux() {
  local begun=$SECONDS
  fetch_linux
  build_linux_module
  build kernel
  base_machine 2048 tcg
  figures linux "${machine[@]}"
  say "all of it took $(((SECONDS - begun + 30) / 60)) min"
}
