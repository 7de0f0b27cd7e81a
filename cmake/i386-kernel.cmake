# Toolchain file: 32-bit x86 without an operating system, by the host's own g++ (or clang++, with
# -DCMAKE_CXX_COMPILER=clang++). Options that change the calling convention or the instruction set are
# here, so that every object of the tree agrees on them.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR i386)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)

if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER c++)
endif()
set(CMAKE_ASM_COMPILER ${CMAKE_CXX_COMPILER})

# The stack needs no more than 4 bytes of alignment, because no vector register is ever used.
# clang++ refuses <atomic> without the x87; as nothing here is floating-point, it has no use for it
# either.
if(CMAKE_CXX_COMPILER MATCHES "clang")
  set(KMAPPER_REGISTERS -mno-sse -mno-mmx -mstack-alignment=4)
else()
  set(KMAPPER_REGISTERS -mgeneral-regs-only -mpreferred-stack-boundary=2)
endif()

# -idirafter: libstdc++'s <atomic> includes <asm/errno.h>, which only the package g++-multilib puts where -m32 looks.
# -mregparm=3: the first three arguments in eax, edx, ecx. -freg-struct-return: structures of up to
# 8 bytes come back in eax, edx.
string(JOIN " " CMAKE_CXX_FLAGS_INIT
  -m32 -idirafter /usr/include/x86_64-linux-gnu -march=i686 -mregparm=3 -freg-struct-return ${KMAPPER_REGISTERS}
  -ffreestanding -fno-exceptions -fno-rtti -fno-threadsafe-statics -fno-pic -fno-pie -fno-common
  -fno-stack-protector -fno-asynchronous-unwind-tables -fomit-frame-pointer -fno-strict-aliasing)
set(CMAKE_ASM_FLAGS_INIT "-m32 -fno-pic -fno-pie")
