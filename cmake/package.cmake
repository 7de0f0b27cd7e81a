# The Debian package, made by CPack in the trees of the presets package (amd64) and package-m32 (i386). Both may be
# installed beside each other: files outside the architecture's own folder are the same in both.
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# The authors have no address; SECURITY.md says how they are reached. dpkg and apt accept the field as it is.
set(CPACK_PACKAGE_CONTACT "The kmapper authors")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_NAME libkmapper-dev)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
# CPack before 3.31 has no variable for Multi-Arch, but writes what a field's variable says: here two lines.
set(CPACK_DEBIAN_PACKAGE_SECTION "libdevel\nMulti-Arch: same")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "window of a process on files and memory larger than its address space")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "A process maps any part of a file, a block device or a memory file for as long
as it needs it; what it gives back stays mapped for the next time, within a
budget. A 32-bit process goes through files of 100 GiB and keeps 20 GiB in RAM.
.
kmapper-check runs kernel code that handles pages as a program, and names its
mistakes with high memory.
.
This package has the libraries (shared and static), their headers, what CMake and
pkg-config need to find it, and the reference as manual pages and as HTML.")
# Of kmapper-check, which compiles kernel code, and shows the lines of its mistakes.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "binutils, gcc | c-compiler, python3")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/package_depends.cmake)
set(CPACK_KMAPPER_LIBRARIES ${CMAKE_CURRENT_BINARY_DIR}/libkmapper.so
                            ${CMAKE_CURRENT_BINARY_DIR}/libkmapper_linux.so)
if(CMAKE_SIZEOF_VOID_P EQUAL 8)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE amd64)
else()
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE i386)
endif()
include(CPack)
