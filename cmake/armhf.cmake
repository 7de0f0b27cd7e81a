# Toolchain file: Linux on 32-bit ARM (ARMv7-A with hardware floating point).
set(triple arm-linux-gnueabihf)
set(qemu qemu-arm)
set(CMAKE_SYSTEM_PROCESSOR arm)
include(${CMAKE_CURRENT_LIST_DIR}/cross.cmake)
# g++ notes each std::span that is passed by value, as g++ 6 passed it differently.
set(CMAKE_CXX_FLAGS_INIT -Wno-psabi)
