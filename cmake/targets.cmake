# The options and functions that all targets of this project share.

# Warnings are errors when this project is built by itself. A build of the libraries alone may be made by a compiler, or
# with an optimisation, that was never tested, and another project has warnings of its own.
add_library(kmapper_options INTERFACE)
if(PROJECT_IS_TOP_LEVEL)
  target_compile_options(kmapper_options INTERFACE -Wall -Wextra $<$<BOOL:${KMAPPER_TESTS}>:-Werror>)
endif()
target_compile_definitions(kmapper_options INTERFACE KMAPPER_CHECKED=${KMAPPER_CHECKED}
                                                     KMAPPER_STRICT=${KMAPPER_STRICT})
target_include_directories(kmapper_options INTERFACE ${PROJECT_SOURCE_DIR}
                                                     ${PROJECT_SOURCE_DIR}/include
                                                     ${PROJECT_SOURCE_DIR}/src)

# kmapper_suite(LABEL TARGET...): the tests with that label need these targets. suite_LABEL builds exactly these.
function(kmapper_suite label)
  if(NOT TARGET suite_${label})
    add_custom_target(suite_${label})
  endif()
  if(ARGN)
    add_dependencies(suite_${label} ${ARGN})
  endif()
endfunction()
