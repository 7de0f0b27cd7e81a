# What the toolchain files of other CPUs have in common: Debian's cross compiler, and QEMU's user emulation
# for the tests. Each sets `triple`, `qemu` and CMAKE_SYSTEM_PROCESSOR first.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_C_COMPILER ${triple}-gcc)
set(CMAKE_CXX_COMPILER ${triple}-g++)
set(CMAKE_FIND_ROOT_PATH /usr/${triple})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# The shared library needs no library but libc and libstdc++: not libatomic, either.
set(CMAKE_SHARED_LINKER_FLAGS_INIT -Wl,-z,defs)
set(CMAKE_CROSSCOMPILING_EMULATOR ${qemu} -L /usr/${triple})
