# usage: ./dev package
#
# Makes Debian packages of the library for Linux processes, shared and static, with its headers and reference:
# libkmapper-dev for amd64 and for i386, in build/packages, and python3-kmapper for amd64. One machine may have all:
#
#   sudo dpkg --add-architecture i386 && sudo apt-get update
#   sudo apt-get install ./build/packages/*.deb

# shellcheck shell=bash disable=SC2154  # root is dev's

command_package() {
  local preset package packages=$root/build/packages
  no_options package "$@"
  need_build_tools
  need_32_bit
  need_packaging
  install_needs

  rm -rf -- "$packages"
  for preset in package package-m32; do
    build "$preset"
    quietly "$preset-deb" "packing the preset $preset" cpack --config "build/$preset/CPackConfig.cmake" -B "$packages"
  done
  rm -rf -- "$packages/_CPack_Packages"
  for package in "$packages"/*.deb; do
    tell package "${package#"$root/"}, $(human_size "$(stat -c %s -- "$package")")"
  done
}
