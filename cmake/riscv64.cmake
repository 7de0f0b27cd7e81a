# Toolchain file: Linux on 64-bit RISC-V.
set(triple riscv64-linux-gnu)
set(qemu qemu-riscv64)
set(CMAKE_SYSTEM_PROCESSOR riscv64)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
