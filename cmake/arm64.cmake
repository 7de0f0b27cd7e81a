# Toolchain file: Linux on 64-bit ARM (ARMv8-A).
set(triple aarch64-linux-gnu)
set(qemu qemu-aarch64)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
