# usage: ./dev setup
#
# Installs, with apt, everything that any command of ./dev needs and that is missing.

# shellcheck shell=bash disable=SC2154  # root is dev's

source "$root/tools/test.sh"
source "$root/tools/lint.sh"

command_setup() {
  no_options setup "$@"
  need_for_tests unit model freestanding ports m32 kernel package python
  need_for_lint
  install_needs
  say "everything is there"
}
