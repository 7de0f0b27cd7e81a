# GoogleTest: the package of this machine where it fits the build, else built from the sources that the
# same package brings along (Debian and Ubuntu: /usr/src/googletest). It does not fit a -m32 build.
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
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

# A test program made of one folder's sources; each of its tests is one of CTest's, with the folder's label,
# but for those given as names or patterns.
function(kmapper_add_test_program name)
  kmapper_skip_emulated(${name} skipped)
  set(left_out ${ARGN} ${skipped})
  list(JOIN left_out ":" left_out)
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(NOT sources)
    return()
  endif()
  add_executable(kmapper_${name} ${sources})
  target_link_libraries(kmapper_${name} PRIVATE kmapper_options kmapper_core kmapper_simulated
                                                kmapper_kernel_parts
                                                GTest::gtest_main Threads::Threads)
  kmapper_suite(${name} kmapper_${name})
  gtest_discover_tests(kmapper_${name} TEST_PREFIX "${name}." TEST_FILTER "-${left_out}" DISCOVERY_MODE PRE_TEST
                       PROPERTIES LABELS ${name} TIMEOUT 300)
endfunction()
