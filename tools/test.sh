# usage: ./dev test [OPTION...] [SUITE...]
#
# Builds and runs the tests: the suites that are named, or all but those for other CPUs. Each suite's time is
# printed, a test that fails is printed whole, and the last line counts them all. Exits 0 only if every test passed.
#
#   --verbose     show every test's output
#   --seconds N   torture for N seconds: in each of its three builds (default: 20), and on each machine of the
#                 kernel's suites (default: 8)
#   --help        this
#
# A test that this machine cannot run is shown as skipped, and counted apart. 32-bit programs run under qemu-i386 where
# the machine refuses them; tests/emulated.txt lists what is left out there. KMAPPER_32_BIT in the environment, which is
# native, emulated or none, says how they run, instead of finding it out.
#
# Suites:

# shellcheck shell=bash disable=SC2154  # root is dev's

# shellcheck source=tools/sanitizers.sh
source "$root/tools/sanitizers.sh"

# A suite: its name, the preset it is built with, the label its tests have in CTest, and what it shows.
suites=(
  "tools          debug          tools            what ./dev makes of machines and tests; and the links of the documents"
  "unit           debug          unit             the concepts, one by one"
  "property       debug          property         random operations against a plain model"
  "model          debug          model            the protocol, in all its interleavings; and faults, each found"
  "model-long     debug          model-long       the largest of these searches: only if it is named"
  "weak           release        weak             what C++ lets weak memory do, and each order made weaker"
  "torture        release        torture          real threads and races, plain and with each sanitizer, for a minute"
  "release        release        unit             the concepts, in the build that people ship"
  "conformance    debug          conformance      a platform passes its suite, and each wrong one is found"
  "freestanding   debug          freestanding     the core alone needs no library; and a kernel in C with it"
  "ports          debug          ports            the smallest machines of three CPUs pass the conformance suite"
  "process        release        process          the window in a Linux process, on files and memory files"
  "package        release        package          the packages of the library, used to build programs in both widths"
  "python         release        python           the module for Python, with numpy"
  "m32            m32            unit|process     the concepts, and that window, in a 32-bit program"
  "asan           asan           unit|process     with AddressSanitizer and UndefinedBehaviorSanitizer"
  "tsan           tsan           unit|process     with ThreadSanitizer"
  "armhf          armhf          process          that window on 32-bit ARM, under QEMU: only if it is named"
  "arm64          arm64          process          that window on 64-bit ARM, under QEMU: only if it is named"
  "riscv64        riscv64        process          that window on 64-bit RISC-V, under QEMU: only if it is named"
  "strict         strict         unit|property    a page is unmapped as soon as nobody holds it"
  "kernel         kernel         kernel           the kernel, booted in machines from 64M to 64G"
  "kernel-checked kernel-checked kernel           the checked kernel's tests of itself"
  "kernel-strict  kernel-strict  kernel           the strict kernel's: a use after kunmap faults"
)

about_suites() { printf '%s\n' "${suites[@]}" | sed -E 's/^(\S+ +)\S+ +\S+ +/  \1 /'; }

command_test() {
  local verbose=0 seconds="" wanted=() known=() suite
  for suite in "${suites[@]}"; do known+=("${suite%% *}"); done
  while (($#)); do
    [[ $1 != --?*=* ]] || set -- "${1%%=*}" "${1#*=}" "${@:2}"
    case $1 in
      --verbose) verbose=1 ;;
      --seconds) seconds=$(number 1 86400 "$@"); shift ;;
      --help | -h) usage_of test; about_suites; return ;;
      -*) misused "test has no option $1" ;;
      *)
        [[ " ${known[*]} " == *" $1 "* ]] || misused "there is no suite $1; there are: ${known[*]}"
        wanted+=("$1")
        ;;
    esac
    shift
  done
  if ((${#wanted[@]} == 0)); then
    for suite in "${suites[@]}"; do [[ $suite == *": only if it is named" ]] || wanted+=("${suite%% *}"); done
  fi
  [[ -z $seconds || " ${wanted[*]} " =~ \ (torture|kernel|kernel-checked)\  ]] ||
    misused "--seconds $seconds: only torture and the kernel's suites take as long as they are told, and none is among: ${wanted[*]}"
  [[ -z $seconds ]] || export KMAPPER_SECONDS=$seconds
  find_temporary_folder
  need_for_tests "${wanted[@]}"

  local passed=0 failures=0 skipped=0 left_out=() left="" times=() unrandomised=() why started=$SECONDS
  # Sanitizers want their shadow memory where address randomisation may have put a library.
  ! setarch --addr-no-randomize true 2>/dev/null || unrandomised=(setarch --addr-no-randomize)
  for suite in "${suites[@]}"; do
    # shellcheck disable=SC2086  # a suite's fields are words
    [[ " ${wanted[*]} " != *" ${suite%% *} "* ]] || run_suite $suite
    [[ ${suite%% *} != torture || " ${wanted[*]} " != *" torture "* ]] || run_torture "${seconds:-20}"
  done
  say ""
  printf '%s\n' "${times[@]}"
  printf 'all suites: %d s (CPU %d s)\n' $((SECONDS - started)) "$all_cpu"
  ((${#left_out[@]} == 0)) || printf -v left '; %s' "${left_out[@]}"
  [[ -z $left ]] || say "not tested on this machine: ${left#; }"
  if ((skipped)); then say "$passed passed, $failures failed, $skipped skipped"; else say "$passed passed, $failures failed"; fi
  ((passed + failures)) || failed "nothing was tested"
  ((failures == 0))
}

need_for_tests() {
  local suite
  need_build_tools
  for suite; do
    case $suite in
      kernel) need_qemu; need_32_bit; need_grub; need_bochs ;;
      kernel*) need_qemu; need_32_bit; need_grub ;;
      m32) need_googletest; find_32_bit ;;
      armhf | arm64 | riscv64) need_googletest; need_cross "$suite" ;;
      package) need_googletest; find_32_bit; need_packaging; need_numpy ;;
      python) need_googletest; need_python_headers; need_numpy ;;
      model*) need_googletest; need_spin ;;
      freestanding) need_googletest; need_32_bit; need_qemu; need_port armv7-lpae; need_port riscv32; need g++ have g++; need clang have clang++ ;;
      ports) need_googletest; need_port i386; need_port armv7-lpae; need_port riscv32 ;;
      *) need_googletest ;;
    esac
  done
  install_needs
}

# run_suite NAME PRESET LABEL ABOUT...: adds to command_test's counts and times.
run_suite() {
  local name=$1 preset=$2 label=$3 log=$root/build/test-$1.log begun=$SECONDS targets built summary count wrong not_run cpu
  shift 3
  say "== $name: $*"
  if ! runs_here "$preset"; then
    leave_out "$name" "$why"
    return
  fi
  read -r -a targets <<<"suite_${label//|/ suite_}"
  build "$preset" "${targets[@]}"
  if [[ $name == package ]]; then # what its first test packs
    build package
    build package-m32
  fi
  take_cpu
  built="$((SECONDS - begun)) s (CPU $cpu s)"
  local tests=(ctest --test-dir "$root/build/$preset" --label-regex "^($label)\$" --no-tests=error
    --parallel "$(jobs)" --output-on-failure)
  if ((verbose)); then tests+=(--verbose); fi

  begun=$SECONDS
  in_sight "$log" "testing $name" "${unrandomised[@]}" "${tests[@]}" || true
  if ((verbose)); then cat "$log"; fi
  summary=$(grep -E '^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+' "$log" || true)
  not_run=$(grep -cE '^ *[0-9]+/[0-9]+ Test +#[0-9]+: .*\*\*\*Skipped' "$log" || true) # CTest lets them pass
  if [[ $summary =~ ([0-9]+)\ tests?\ failed\ out\ of\ ([0-9]+) ]]; then
    wrong=${BASH_REMATCH[1]} count=${BASH_REMATCH[2]}
  else
    wrong=1 count=1 not_run=0 # CTest itself failed
  fi
  take_cpu
  ((count -= not_run, passed += count - wrong, failures += wrong, skipped += not_run)) || true
  ((wrong == 0 || verbose)) || grep -v -e ' Passed ' -e '^ *Start ' "$log"
  times+=("$(printf '%-15s %4d passed, %d failed, %d skipped in %d s (CPU %d s), built in %s' \
    "$name:" $((count - wrong)) "$wrong" "$not_run" $((SECONDS - begun)) "$cpu" "$built")")
  say "${times[-1]}"
  ((not_run == 0)) || show_skipped || true
}

# runs_here PRESET: whether this machine runs the preset's programs; else `why` says why not.
runs_here() {
  why="no 32-bit program runs here"
  [[ $1 != m32* || $runs_32_bit != none ]] && runs_sanitized "$1"
}

# leave_out SUITE WHY: it has not run, and that is not the same as passed.
leave_out() {
  left_out+=("$1")
  times+=("$(printf '%-15s left out: %s' "$1:" "$2")")
  say "${times[-1]}"
}

# The tests that run_suite saw skipped, each with the reason that it gave: CTest keeps what it said in a file.
show_skipped() {
  awk '
    FNR == NR { if (/\*\*\*Skipped/) skipped[$4]; next }
    /^[0-9]+\/[0-9]+ Test: / { name = $3; why = "" }
    /^skipped/ || before ~ /: Skipped$/ { why = $0; sub(/^skipped:? /, "", why) }
    /^<end of output>/ && name in skipped { print "  skipped: " name (why == "" ? "" : ": " why) }
    { before = $0 }' "$log" "$root/build/$preset/Testing/Temporary/LastTest.log"
}

# Tests build programs in temporary folders and run them there. Where nothing may be executed, they get another folder.
find_temporary_folder() {
  local probe
  probe=$(mktemp)
  printf '#!/bin/sh\n' >"$probe"
  chmod +x "$probe"
  if ! "$probe" 2>/dev/null; then
    mkdir -p "$root/build/tmp"
    export TMPDIR=$root/build/tmp
  fi
  rm -f -- "$probe"
}

# run_torture SECONDS: in each of three builds, one after the other; each counts as a test.
run_torture() {
  local preset begun status ended log cpu
  for preset in release tsan asan; do
    say "== torture, $preset: $1 s"
    runs_here "$preset" || { leave_out "torture, $preset" "$why"; continue; }
    build "$preset" suite_torture
    log=$root/build/torture-$preset.log
    take_cpu
    begun=$SECONDS status=0 ended=passed
    in_sight "$log" "torture, $preset" "${unrandomised[@]}" \
      "$root/build/$preset/tests/torture/kmapper_torture" --seconds "$1" || status=$?
    cat "$log"
    take_cpu
    ((status == 0)) || ended=failed
    ((status == 0 ? ++passed : ++failures))
    times+=("$(printf '%-15s %s in %d s (CPU %d s)' "torture, $preset:" "$ended" $((SECONDS - begun)) "$cpu")")
  done
}
