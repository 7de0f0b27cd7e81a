# Toolchain file: Linux on 32-bit ARM (ARMv7-A with hardware floating point).
set(triple arm-linux-gnueabihf)
set(qemu qemu-arm)
set(CMAKE_SYSTEM_PROCESSOR arm)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
