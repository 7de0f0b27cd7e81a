# The API reference, made by Doxygen of the headers that are installed: manual pages and HTML. Where there is no
# Doxygen or no Python, nothing else is missing.
find_package(Doxygen)
find_package(Python3 COMPONENTS Interpreter)
if(NOT DOXYGEN_FOUND OR NOT Python3_FOUND)
  return()
endif()

set(DOXYGEN_PROJECT_BRIEF ${PROJECT_DESCRIPTION})
set(DOXYGEN_QUIET YES)
set(DOXYGEN_WARN_AS_ERROR FAIL_ON_WARNINGS)
set(DOXYGEN_EXTRACT_ALL YES)
set(DOXYGEN_STRIP_FROM_PATH ${PROJECT_SOURCE_DIR}/include)
set(DOXYGEN_STRIP_FROM_INC_PATH ${PROJECT_SOURCE_DIR}/include)
set(DOXYGEN_JAVADOC_AUTOBRIEF YES)
set(DOXYGEN_HIDE_FRIEND_COMPOUNDS YES)
set(DOXYGEN_SORT_MEMBER_DOCS NO)
set(DOXYGEN_SHOW_DIRECTORIES NO)
set(DOXYGEN_DIRECTORY_GRAPH NO)
set(DOXYGEN_HAVE_DOT NO)
set(DOXYGEN_VERBATIM_HEADERS NO)
set(DOXYGEN_GENERATE_MAN YES)
set(DOXYGEN_MAN_LINKS NO)
# What Doxygen need not read, or would mistake for a name.
set(DOXYGEN_ENABLE_PREPROCESSING YES)
set(DOXYGEN_MACRO_EXPANSION YES)
set(DOXYGEN_PREDEFINED KMAPPER_API= KMAPPER_LINUX\(name\)= __attribute__\(what\)= __cplusplus=202002L)
# Comments in the headers are prose without marks; the filter adds the marks that Doxygen needs.
set(DOXYGEN_INPUT_FILTER "sed -E -f ${CMAKE_CURRENT_LIST_DIR}/reference.sed")

doxygen_add_docs(reference ${kmapper_headers})
# Made from scratch when a header has changed, so that no page of a removed declaration is left.
set(doxyfile ${CMAKE_CURRENT_BINARY_DIR}/Doxyfile.reference)
set(manual ${CMAKE_CURRENT_LIST_DIR}/manual.py)
add_custom_command(OUTPUT reference.made
                   COMMAND ${CMAKE_COMMAND} -E rm -rf html man manual
                   COMMAND Doxygen::doxygen ${doxyfile}
                   COMMAND ${Python3_EXECUTABLE} ${manual} man/man3 manual/man3
                   COMMAND ${CMAKE_COMMAND} -E touch reference.made
                   DEPENDS ${kmapper_headers} ${doxyfile} ${CMAKE_CURRENT_LIST_DIR}/reference.sed ${manual}
                   WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} COMMENT "Writing the reference" VERBATIM)
add_custom_target(reference_made ALL DEPENDS reference.made)
install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/html DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/manual/man3 DESTINATION ${CMAKE_INSTALL_MANDIR})
