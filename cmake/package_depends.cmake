# Read by CPack before it makes a package: asks dpkg-shlibdeps which packages the libraries need. Of an i386 library that
# is built on amd64 it names the packages of the compiler for -m32; a user of the i386 package has the same libraries by
# the names that they have there.
set(folder ${CPACK_PACKAGE_DIRECTORY}/_CPack_Packages/depends)
file(WRITE ${folder}/debian/control "Source: kmapper\n\nPackage: libkmapper-dev\nArchitecture: any\n")
list(TRANSFORM CPACK_KMAPPER_LIBRARIES PREPEND -e OUTPUT_VARIABLE libraries)
execute_process(COMMAND dpkg-shlibdeps --warnings=0 -O ${libraries} WORKING_DIRECTORY ${folder}
                OUTPUT_VARIABLE depends OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
string(REPLACE "shlibs:Depends=" "" depends "${depends}")
string(REPLACE "libc6-i386 " "libc6 " depends "${depends}")
string(REGEX REPLACE "lib32([a-z])" "lib\\1" depends "${depends}")
string(REPLACE ", " ";" depends "${depends}")
list(SORT depends)
list(JOIN depends ", " CPACK_DEBIAN_PACKAGE_DEPENDS)
