# Read by CPack before it makes a package. What an i386 library needs, dpkg-shlibdeps cannot tell on amd64, where the
# libraries that it is linked with belong to the compiler. So it is looked up here in the same place: which version of
# a library's package brought the latest of the symbols' versions that ours uses.
if(NOT CPACK_DEBIAN_PACKAGE_ARCHITECTURE STREQUAL "i386")
  return()
endif()

execute_process(COMMAND objdump -p ${CPACK_KMAPPER_LIBRARY} OUTPUT_VARIABLE needs COMMAND_ERROR_IS_FATAL ANY)
set(depends "")
foreach(library libc6=GLIBC libgcc-s1=GCC libstdc++6=GLIBCXX)
  string(REPLACE "=" ";" library ${library})
  list(POP_FRONT library package)
  string(REGEX MATCHALL "${library}_[0-9.]+" versions "${needs}")
  list(SORT versions COMPARE NATURAL ORDER DESCENDING)
  list(GET versions 0 latest)
  execute_process(COMMAND dpkg-query --control-path ${package}:amd64 symbols OUTPUT_VARIABLE symbols
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  file(STRINGS ${symbols} line REGEX "^ ${latest}@${latest} ")
  if(NOT line MATCHES " ([^ ]+)$")
    message(FATAL_ERROR "${symbols}: says nothing of ${latest}, which ${CPACK_KMAPPER_LIBRARY} needs")
  endif()
  list(APPEND depends "${package} (>= ${CMAKE_MATCH_1})")
endforeach()
list(JOIN depends ", " CPACK_DEBIAN_PACKAGE_DEPENDS)
