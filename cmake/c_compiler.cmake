# Enables C, for the module for Python and for tests of the headers that C programs include. The C compiler is the one
# that belongs to the C++ compiler, because sanitizers' libraries of different compilers do not mix.
if(NOT CMAKE_C_COMPILER AND NOT DEFINED ENV{CC})
  get_filename_component(folder ${CMAKE_CXX_COMPILER} DIRECTORY)
  get_filename_component(name ${CMAKE_CXX_COMPILER} NAME)
  string(REPLACE "clang++" "clang" name ${name})
  string(REPLACE "g++" "gcc" name ${name})
  string(REPLACE "c++" "cc" name ${name})
  find_program(CMAKE_C_COMPILER ${name} HINTS ${folder})
endif()
enable_language(C)
set(CMAKE_C_STANDARD 99)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
