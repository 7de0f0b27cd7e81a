# usage: ./dev format
#
# Lays every C++ source out as .clang-format says.

# shellcheck shell=bash disable=SC2154  # root is dev's

# clang-format and clang-tidy of one version: each version lays out, and complains, a little differently.
readonly llvm=14

need_for_format() { need clang-format-$llvm have clang-format-$llvm; }

# sources PATTERN...: every source of ours whose name matches, from the root of the tree.
sources() {
  local pattern names=()
  for pattern; do names+=(-o -name "$pattern"); done
  (cd "$root" && find include src python tests bench examples tools -type f \
    \( "${names[@]:1}" \) | sort)
}

command_format() {
  no_options format "$@"
  need_for_format
  install_needs
  sources '*.hpp' '*.cpp' '*.h' '*.c' | (cd "$root" && xargs -d '\n' clang-format-$llvm -i)
}
