# Run by CPack when it has made a package: says in it that packages of several architectures may be installed beside
# each other, which CPack itself can say only from CMake 3.31 on.
foreach(package ${CPACK_PACKAGE_FILES})
  set(unpacked ${package}.unpacked)
  execute_process(COMMAND dpkg-deb --raw-extract ${package} ${unpacked} COMMAND_ERROR_IS_FATAL ANY)
  file(READ ${unpacked}/DEBIAN/control control)
  file(WRITE ${unpacked}/DEBIAN/control "Multi-Arch: same\n${control}")
  execute_process(COMMAND dpkg-deb --root-owner-group --build ${unpacked} ${package} OUTPUT_QUIET
                  COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE_RECURSE ${unpacked})
endforeach()
