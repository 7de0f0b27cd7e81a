# Toolchain file: Linux on 32-bit ARM (ARMv7-A with hardware floating point).
set(triple arm-linux-gnueabihf)
# QEMU 7.2 reports a SIGBUS to a 32-bit program with the host's address, cut to 32 bits: see tools/width.sh.
set(qemu qemu-arm -B 0x100000000)
set(CMAKE_SYSTEM_PROCESSOR arm)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
# Without this, g++ prints a note for each std::span that is passed by value, because g++ 6 passed it differently.
set(CMAKE_CXX_FLAGS_INIT -Wno-psabi)
