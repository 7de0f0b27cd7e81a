# The Debian packages, made by CPack in the trees of the presets package (amd64) and package-m32 (i386). libkmapper-dev
# may be installed for both beside each other: files outside the architecture's own folder are the same in both. For the
# first there is python3-kmapper, too, the component python.
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# The authors have no address; SECURITY.md says how they are reached. dpkg and apt accept the field as it is.
set(CPACK_PACKAGE_CONTACT "The kmapper authors")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")  # else it is put in front of each package's own
set(CPACK_COMPONENTS_ALL Unspecified)  # what cmake --install installs
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME libkmapper-dev)
# CPack before 3.31 has no variable for Multi-Arch, but writes what a field's variable says: here two lines.
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_SECTION "libdevel\nMulti-Arch: same")
set(CPACK_DEBIAN_UNSPECIFIED_DESCRIPTION
    "window of a process on files and memory larger than its address space
A process maps any part of a file, a block device or a memory file for as long
as it needs it; what it gives back stays mapped for the next time, within a
budget. A 32-bit process goes through files of 100 GiB and keeps 20 GiB in RAM.
.
kmapper-check runs kernel code that handles pages as a program, and names its
mistakes with high memory.
.
This package has the libraries (shared and static), their headers, what CMake and
pkg-config need to find it, and the reference as manual pages and as HTML.")
# Of kmapper-check, which compiles kernel code, and shows the lines of its mistakes.
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_RECOMMENDS "binutils, gcc | c-compiler, python3")

if(TARGET kmapper_python)
  list(APPEND CPACK_COMPONENTS_ALL python)
endif()
set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-kmapper)
set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
set(CPACK_DEBIAN_PYTHON_DESCRIPTION "files larger than memory as buffers and arrays of Python
A program maps any part of a file as a buffer. numpy reads and writes an array of
100 GiB by pieces, and no more of it is mapped than a budget says.")
set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS "libkmapper-dev (= ${PROJECT_VERSION}), python3 (>= 3.11)")
set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS python3-numpy)
# They compile the module when it is installed, and remove later what they compiled.
set(CPACK_DEBIAN_PYTHON_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/python/debian/postinst
                                              ${PROJECT_SOURCE_DIR}/python/debian/prerm)

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
