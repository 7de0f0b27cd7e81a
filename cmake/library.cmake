# The window for Linux processes as a library that is installed: kmapper::kmapper is shared, kmapper::kmapper_static
# is not. Both are made of the same objects, which are also what the tests are linked with.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/process/*.cpp)
add_library(kmapper_objects OBJECT ${sources})
target_link_libraries(kmapper_objects PRIVATE kmapper_options)
# Files may be larger than a 32-bit program's off_t says.
target_compile_definitions(kmapper_objects PRIVATE _FILE_OFFSET_BITS=64)
# Hidden, but for what is marked KMAPPER_API: a call within the library then costs no more for being shared.
set_target_properties(kmapper_objects PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                                                 VISIBILITY_INLINES_HIDDEN ON)

add_library(kmapper SHARED $<TARGET_OBJECTS:kmapper_objects>)
add_library(kmapper_static STATIC $<TARGET_OBJECTS:kmapper_objects>)
set_target_properties(kmapper_static PROPERTIES OUTPUT_NAME kmapper)
set_target_properties(kmapper PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                                         LINK_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/exports.map)
# A handler of the library's stays installed: so does the library, also when it is closed (dlclose).
target_link_options(kmapper PRIVATE -Wl,--version-script=${CMAKE_CURRENT_LIST_DIR}/exports.map -Wl,-z,nodelete)
foreach(library kmapper kmapper_static)
  set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX)
  target_compile_features(${library} INTERFACE cxx_std_20)
  target_include_directories(${library} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
                                                  $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  add_library(kmapper::${library} ALIAS ${library})
endforeach()

install(TARGETS kmapper kmapper_static EXPORT kmapper)
# The archive is stripped where the shared library is: cmake --install does so only for programs and shared ones.
install(CODE "if(CMAKE_INSTALL_DO_STRIP)
  execute_process(COMMAND ${CMAKE_STRIP} --strip-debug --enable-deterministic-archives
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/libkmapper.a\" COMMAND_ERROR_IS_FATAL ANY)
endif()")

# All headers but the core's, which are for kernels: those are built from the sources.
file(GLOB_RECURSE kmapper_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/kmapper/*)
list(FILTER kmapper_headers EXCLUDE REGEX "/kmapper/core/")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/kmapper DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        PATTERN core EXCLUDE)

set(config ${CMAKE_INSTALL_LIBDIR}/cmake/kmapper)
install(EXPORT kmapper NAMESPACE kmapper:: FILE kmapper-config.cmake DESTINATION ${config})
write_basic_package_version_file(kmapper-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kmapper-config-version.cmake DESTINATION ${config})

# Its prefix is where it lies, wherever that is.
file(RELATIVE_PATH prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/kmapper.pc.in kmapper.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kmapper.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
