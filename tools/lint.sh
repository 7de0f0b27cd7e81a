# usage: ./dev lint [CHECK...]
#
# Checks the sources; all checks, or those named. Changes nothing.
#
#   layout    every source is laid out as ./dev format would
#   length    a header has about 150 lines, at most 200, and a source at most 400 (a template's too, in core/impl),
#             unless a comment in it says why: "Longer than usual: ..."
#   rooms     what ships includes nothing from tests/ and bench/, and the core nothing but itself
#   shell     shellcheck has nothing to say about our scripts
#   headers   every header compiles by itself
#   tidy      clang-tidy, as .clang-tidy says

# shellcheck shell=bash disable=SC2154  # root is dev's

# shellcheck source=tools/format.sh
source "$root/tools/format.sh"

need_for_lint() {
  need_build_tools
  need_32_bit
  need_googletest
  need_for_format
  need clang-tidy-$llvm have clang-tidy-$llvm
  need shellcheck have shellcheck
}

command_lint() {
  local checks=(layout length rooms shell headers tidy) wanted=() check begun started=$SECONDS wrong=()
  while (($#)); do
    case $1 in
      --help | -h) usage_of lint; return ;;
      -*) misused "lint has no option $1" ;;
      *)
        [[ " ${checks[*]} " == *" $1 "* ]] || misused "there is no check $1; there are: ${checks[*]}"
        wanted+=("$1")
        ;;
    esac
    shift
  done
  ((${#wanted[@]})) || wanted=("${checks[@]}")
  need_for_lint
  install_needs
  for check in "${wanted[@]}"; do
    begun=$SECONDS
    if (cd "$root" && "lint_$check"); then
      tell "$check" "ok ($((SECONDS - begun)) s)"
    else
      tell "$check" "not as it should be ($((SECONDS - begun)) s)"
      wrong+=("$check")
    fi
  done
  ((${#wrong[@]} == 0)) || failed "lint: ${wrong[*]}"
  say "lint: all is well ($((SECONDS - started)) s)"
}

# The checks run in the root of the tree, in a condition: there `set -e` does nothing, so each says by its last
# command whether it found anything.
lint_layout() {
  sources '*.hpp' '*.cpp' '*.h' '*.c' | xargs -d '\n' clang-format-$llvm --dry-run -Werror
}

lint_length() {
  local file limit lines found=0
  while read -r file; do
    limit=200
    [[ $file != *.c* && $file != include/kmapper/core/impl/* ]] || limit=400
    lines=$(wc -l <"$file")
    ((lines > limit)) || continue
    grep -q 'Longer than usual: ' "$file" && continue
    say "$file: $lines lines, the limit is $limit (or a comment in it that says why: \"Longer than usual: ...\")"
    found=1
  done < <(sources '*.hpp' '*.cpp' '*.h' '*.c')
  ((found == 0))
}

lint_rooms() { python3 tools/rooms.py; }

lint_shell() {
  local scripts=()
  mapfile -t scripts < <(sources '*.sh')
  shellcheck dev .ci/run "${scripts[@]}"
}

# What is compiled with the kernel's flags, and not as a program of this machine.
readonly kernel_rooms='^(src/kernel|tests/kernel/(self_test|jobs)|bench/kernel)/'

# The flags that the kernel's sources are compiled with.
kernel_flags() {
  sed -n 's/^  "command": "[^ ]* \(.*\) -o .*boot_info.cpp.*/\1/p' build/kernel/compile_commands.json
}

lint_headers() {
  configure kernel
  local kernel hosted=(-std=c++20 -DKMAPPER_CHECKED=1 -DKMAPPER_STRICT=0 -I. -Iinclude -Isrc -Itests -Itests/freestanding)
  read -r -a kernel < <(kernel_flags)
  local machine="-m32 -std=c++20 -ffreestanding -DKMAPPER_CHECKED=1 -Iinclude -Itests -Iports/common -Iports/i386"
  {
    sources '*.hpp' '*.h' | grep -Ev "$kernel_rooms|^(bench/linux|python)/|^ports/|^(examples/c-kernel|tests/c_kernel)/|/names\.h$" |
      sed "s|^|${hosted[*]} |"
    sources '*.hpp' | grep -E "^ports/" | sed "s|^|$machine |"
    sources '*.hpp' '*.h' | grep -E "$kernel_rooms" | sed "s|^|${kernel[*]} |"
  } | each_line compile_header "$(compiler)"
}

# compile_header COMPILER FLAG... HEADER
compile_header() {
  "${@:1:$#-1}" -Wall -Wextra -Werror -fsyntax-only -include "${*: -1}" -x c++ /dev/null && return
  printf '%s does not compile by itself\n' "${*: -1}"
  return 1
}

# clang-tidy reads the commands of whatever compiler builds the tree, and knows neither all of g++'s flags nor its
# precompiled headers.
lint_tidy() {
  local preset
  for preset in kernel debug; do
    configure "$preset"
    quietly "$preset" "listing the sources of the preset $preset" cmake "$root/build/$preset" # new ones, too
    mkdir -p "build/lint/$preset"
    sed -E 's/-mpreferred-stack-boundary=2//; s/-mgeneral-regs-only//; s/-include [^ ]*cmake_pch\.[^ ]*//' \
      "build/$preset/compile_commands.json" >"build/lint/$preset/compile_commands.json"
  done
  {
    compiled build/kernel | sed 's|^|build/lint/kernel |'
    compiled build/debug | grep -Ev "$kernel_rooms|^build/" | sed 's|^|build/lint/debug |'
  } | each_line tidy_source clang-tidy-$llvm
}

# The sources that a build tree compiles.
compiled() { sed -n "s|^  \"file\": \"$root/\(.*\.cpp\)\".*|\1|p" "$1/compile_commands.json" | sort -u; }

# tidy_source CLANG_TIDY BUILD_FOLDER SOURCE
tidy_source() { "$1" --quiet -p "$2" "$3" 2>/dev/null | sed "s|$PWD/||"; }

# each_line FUNCTION WORD...: calls it for every line of the input, the line's words behind WORD..., on all CPUs.
each_line() {
  export -f "${1?}"
  xargs -P "$(nproc)" -L 1 bash -o pipefail -c '"$@"' each_line "$@"
}
