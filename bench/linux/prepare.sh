# Prepares the Linux that the bench `linux` boots. ./dev sources this file; say, failed, need and quietly are defined
# there.
#
# Debian 12's i386 kernel, its headers and a busybox are fetched by apt with lists and a cache of its own in build/linux,
# and unpacked there: nothing is installed.
# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2154  # root is dev's

readonly linux_folder=$root/build/linux
readonly linux_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

need_for_linux() {
  need gcc-12 have gcc-12 # Debian built that kernel with it
  need make have make
  need cpio have cpio
  need debian-archive-keyring test -e "$linux_keyring"
}

# Once: the packages are kept, and so keep their version until ./dev clean.
fetch_linux() {
  [[ ! -e $linux_folder/fetched ]] || return 0
  local log=$linux_folder/fetch.log
  rm -rf -- "$linux_folder"
  mkdir -p "$linux_folder"/apt/{lists/partial,cache/archives/partial} "$linux_folder/debs" "$linux_folder/root"
  say "fetching Debian 12's i386 kernel and its headers, 70 MB, into build/linux"
  fetch_linux_packages >"$log" 2>&1 </dev/null || failed "Debian 12's i386 kernel cannot be had from" \
    "http://deb.debian.org/debian: $(grep -E '^(E|dpkg-deb): ' "$log" | head -n 1 || true) (all it said: $log)"
}

fetch_linux_packages() {
  local image headers deb
  : >"$linux_folder/apt/status"
  printf 'deb [signed-by=%s] http://deb.debian.org/debian bookworm main\n' "$linux_keyring" \
    >"$linux_folder/apt/sources.list"
  # The programs of the headers (fixdep, modpost) run on the host, so they are those for amd64.
  linux_apt apt-get -o Acquire::Retries=1 -o APT::Update::Error-Mode=any update || return 1
  image=$(linux_dependency linux-image-686-pae linux-image)
  headers=$(linux_dependency linux-headers-686-pae linux-headers)
  [[ -n $image && -n $headers ]] || { say "E: no linux-image-686-pae in the lists"; return 1; }
  (cd "$linux_folder/debs" && linux_apt apt-get download "$image:i386" "$headers:i386" "${headers%-686-pae}-common" \
    "linux-kbuild-6.1:amd64" busybox-static:i386) || return 1
  for deb in "$linux_folder"/debs/*.deb; do
    dpkg-deb --extract "$deb" "$linux_folder/root" || return 1
  done
  # The headers refer to their other half by its place of installation.
  printf 'include %s\n' "$linux_folder/root/usr/src/${headers%-686-pae}-common/Makefile" \
    >"$linux_folder/root/usr/src/$headers/Makefile" || return 1
  {
    printf '%s\n' "${headers#linux-headers-}"
    dpkg-deb --field "$linux_folder/debs/$image"_*.deb Version
  } >"$linux_folder/fetched.new" && mv "$linux_folder/fetched.new" "$linux_folder/fetched"
}

# linux_apt PROGRAM WORD...: apt-get or apt-cache with lists, cache and sources of its own; it ignores what is
# installed on this machine.
linux_apt() {
  "$1" -o "Dir::State::lists=$linux_folder/apt/lists" -o "Dir::State::status=$linux_folder/apt/status" \
    -o "Dir::Cache=$linux_folder/apt/cache" -o "Dir::Etc::sourcelist=$linux_folder/apt/sources.list" \
    -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o Acquire::Languages=none \
    -o APT::Architecture=i386 -o APT::Architectures::=i386 -o APT::Architectures::=amd64 "${@:2}"
}

# linux_dependency PACKAGE BEGINNING: the package that the empty PACKAGE depends on, and whose name begins so.
linux_dependency() {
  linux_apt apt-cache show "$1:i386" | sed -n "s/^Depends: *\($2-[^ ,]*\).*/\1/p" | head -n 1
}

# The module, and a first file system that loads it.
build_linux_module() {
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
