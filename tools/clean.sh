# usage: ./dev clean
#
# Removes build/: everything that was built.

# shellcheck shell=bash disable=SC2154  # root is dev's

command_clean() {
  no_options clean "$@"
  rm -rf -- "$root/build"
}
