# GoogleTest: the package of this machine where it fits the build, else built from the sources that the
# same package brings along (Debian and Ubuntu: /usr/src/googletest). It fits neither a -m32 build nor another CPU's.
if(CMAKE_SIZEOF_VOID_P EQUAL 8 AND NOT CMAKE_CROSSCOMPILING)
  find_package(GTest REQUIRED)
else()
  set(INSTALL_GTEST OFF)
  set(BUILD_GMOCK OFF)
  add_subdirectory(/usr/src/googletest googletest EXCLUDE_FROM_ALL SYSTEM)
  foreach(library gtest gtest_main)
    if(NOT TARGET GTest::${library})
      add_library(GTest::${library} ALIAS ${library})
    endif()
  endforeach()
endif()
find_package(Threads REQUIRED)
include(GoogleTest)
include(cmake/emulated.cmake)

# A test runs once, so to optimise it takes longer than it saves. Tests that compile the core run longer: they are
# optimised, except under AddressSanitizer and as 32-bit programs beside the 64-bit ones. Libraries are always optimised.
function(kmapper_compile_tests_fast target)
  if(kmapper_tests_call_libraries OR CMAKE_CXX_FLAGS MATCHES "-fsanitize=address|-m32")
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

# Sources of the test program of this folder that are to be optimised all the same.
function(kmapper_compile_optimised)
  if(CMAKE_CXX_FLAGS MATCHES "-fsanitize=address|-m32")
    set_source_files_properties(${ARGN} PROPERTIES COMPILE_OPTIONS -O1 SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()

# GoogleTest's header takes longer to compile than most tests do, so ./dev precompiles it once in each tree. In a tree
# that is configured by hand it is not precompiled, because clangd and clang-tidy read that tree's commands, and cannot
# read a header that g++ has precompiled.
set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON CACHE BOOL "compile what tests include with each of them")
set(kmapper_gtest_header $<$<COMPILE_LANGUAGE:CXX>:<gtest/gtest.h$<ANGLE-R>>)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/precompiled.cpp CONTENT "")
add_library(kmapper_precompiled OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/precompiled.cpp)
target_link_libraries(kmapper_precompiled PRIVATE kmapper_options GTest::gtest)
kmapper_compile_tests_fast(kmapper_precompiled)
target_precompile_headers(kmapper_precompiled PRIVATE ${kmapper_gtest_header})

# A program under an emulator cannot start itself again, because the kernel would have to run it.
set(environment "")
if(kmapper_emulator)
  set(environment ENVIRONMENT GTEST_DEATH_TEST_STYLE=fast)
endif()

# Makes a test program of one folder's sources. Each of its tests becomes a CTest test with the folder's label, except
# those given as names or patterns. The folder's CMakeLists.txt links the program with what it tests. If all that it tests
# is in libraries, the folder sets kmapper_tests_call_libraries before.
function(kmapper_add_test_program name)
  kmapper_skip_emulated(${name} skipped)
  set(left_out ${ARGN} ${skipped})
  list(JOIN left_out ":" left_out)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(kmapper_${name} ${sources})
  target_link_libraries(kmapper_${name} PRIVATE kmapper_options GTest::gtest_main Threads::Threads)
  if(kmapper_emulator)
    target_compile_definitions(kmapper_${name} PRIVATE KMAPPER_EMULATED)
  endif()
  kmapper_compile_tests_fast(kmapper_${name})
  # std::barrier exchanges bytes, for which g++ 12 calls libatomic on RISC-V. kmapper's own libraries do not need it.
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "riscv64")
    target_link_libraries(kmapper_${name} PRIVATE atomic)
  endif()
  if(kmapper_tests_call_libraries)  # compiled with other flags
    target_precompile_headers(kmapper_${name} PRIVATE ${kmapper_gtest_header})
  else()
    target_precompile_headers(kmapper_${name} REUSE_FROM kmapper_precompiled)
  endif()
  kmapper_suite(${name} kmapper_${name})
  gtest_discover_tests(kmapper_${name} TEST_PREFIX "${name}." TEST_FILTER "-${left_out}" DISCOVERY_MODE PRE_TEST
                       PROPERTIES LABELS ${name} TIMEOUT 1200 ${environment})
endfunction()
