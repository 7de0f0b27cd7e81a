# The installed libraries for Linux processes, each shared and static:
#
#   kmapper::kmapper, kmapper::kmapper_static   the window on files and memory: src/process
#   kmapper::linux, kmapper::linux_static       kernel code in a process (kmapper/linux/highmem.h): src/linux
#
# Neither needs the other. Code for the operating system that both use (src/system) is compiled once, and is in both.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Objects of one folder's sources, for shared and for static libraries, and for the tests.
function(kmapper_objects name folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${folder}/*.cpp)
  add_library(${name} OBJECT ${sources})
  target_link_libraries(${name} PRIVATE kmapper_options)
  # Files may be larger than a 32-bit program's off_t can hold.
  target_compile_definitions(${name} PRIVATE _FILE_OFFSET_BITS=64)
  # Only what is marked KMAPPER_API is exported. So a call within the shared library costs no more than in the static
  # one.
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                                           VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# lib${file}.so and lib${file}.a of these objects, installed as kmapper::${target} and kmapper::${target}_static.
# `folders`: where in include/ a program that uses it looks for headers.
function(kmapper_installed_library file target folders)
  list(TRANSFORM ARGN REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>" OUTPUT_VARIABLE objects)
  add_library(${file} SHARED ${objects})
  add_library(${file}_static STATIC ${objects})
  set_target_properties(${file}_static PROPERTIES OUTPUT_NAME ${file} EXPORT_NAME ${target}_static)
  # A program that was linked with one minor version does not start with another: docs/ABI.md.
  set_target_properties(${file} PROPERTIES VERSION ${PROJECT_VERSION}
                                           SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
                                           LINK_DEPENDS ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/exports.map
                                           EXPORT_NAME ${target})
  # The library's signal handlers stay installed, so the library must stay loaded when it is closed (dlclose).
  target_link_options(${file} PRIVATE -Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/exports.map
                                      -Wl,-z,nodelete)
  foreach(library ${file} ${file}_static)
    set_target_properties(${library} PROPERTIES LINKER_LANGUAGE CXX)
    target_compile_features(${library} INTERFACE cxx_std_20)
    foreach(folder IN LISTS folders)
      target_include_directories(${library} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include/${folder}>
                                                      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/${folder}>)
    endforeach()
  endforeach()
  add_library(kmapper::${target} ALIAS ${file})
  add_library(kmapper::${target}_static ALIAS ${file}_static)
  if(NOT KMAPPER_INSTALL)
    set_target_properties(${file} ${file}_static PROPERTIES EXCLUDE_FROM_ALL ON)
    return()
  endif()
  install(TARGETS ${file} ${file}_static EXPORT kmapper)
  list(TRANSFORM folders PREPEND "-I\${includedir}/" OUTPUT_VARIABLE cflags)
  list(JOIN cflags " " cflags)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/kmapper.pc.in ${file}.pc @ONLY)
  install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${file}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# A .pc file's prefix is relative to the place of the file itself.
file(RELATIVE_PATH prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
kmapper_objects(kmapper_system_objects src/system)
kmapper_objects(kmapper_process_objects src/process)
kmapper_objects(kmapper_linux_objects src/linux)
kmapper_installed_library(kmapper kmapper . kmapper_process_objects kmapper_system_objects)
# Kernel code includes <linux/highmem.h>.
kmapper_installed_library(kmapper_linux linux ".;kmapper" kmapper_linux_objects kmapper_system_objects)
if(NOT KMAPPER_INSTALL)
  return()
endif()

# When the shared library is stripped, the archive is stripped, too. cmake --install does so only for programs and
# shared libraries.
install(CODE "if(CMAKE_INSTALL_DO_STRIP)
  foreach(library libkmapper.a libkmapper_linux.a)
    execute_process(COMMAND ${CMAKE_STRIP} --strip-debug --enable-deterministic-archives
      \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/\${library}\" COMMAND_ERROR_IS_FATAL ANY)
  endforeach()
endif()")

# All headers except those for kernels, which copy them.
file(GLOB_RECURSE kmapper_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/kmapper/*)
list(FILTER kmapper_headers EXCLUDE REGEX "/kmapper/(core/|kernel)")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/kmapper DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        REGEX "/kmapper/(core|kernel)" EXCLUDE)

# Runs kernel code with kmapper_linux. It finds headers and libraries by its own place, so each architecture's package
# has the same file.
install(PROGRAMS ${PROJECT_SOURCE_DIR}/tools/kmapper-check DESTINATION ${CMAKE_INSTALL_BINDIR})

set(config ${CMAKE_INSTALL_LIBDIR}/cmake/kmapper)
install(EXPORT kmapper NAMESPACE kmapper:: FILE kmapper-config.cmake DESTINATION ${config})
write_basic_package_version_file(kmapper-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kmapper-config-version.cmake DESTINATION ${config})
