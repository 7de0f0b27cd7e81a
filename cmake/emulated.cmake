# Programs for other CPUs run under QEMU's user emulation. ./dev, or a toolchain file, sets
# CMAKE_CROSSCOMPILING_EMULATOR, which CMake puts in front of every test that is a target. A test that is a script,
# and runs such a program, takes ${kmapper_emulator} in front of the program.
#
# tests/emulated.txt lists the tests that cannot pass there, each with the reason. Each stays visible: CTest shows it as
# skipped.
set(kmapper_emulator ${CMAKE_CROSSCOMPILING_EMULATOR})
set(kmapper_emulator_name "")
if(kmapper_emulator)
  list(GET kmapper_emulator 0 kmapper_emulator_name)
  get_filename_component(kmapper_emulator_name ${kmapper_emulator_name} NAME)
endif()

# kmapper_skip_emulated(LABEL OUT): adds the listed tests LABEL.* as skipped ones, and sets OUT to their names without
# the label.
function(kmapper_skip_emulated label out)
  set(skipped "")
  set(file ${PROJECT_SOURCE_DIR}/tests/emulated.txt)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  if(kmapper_emulator)
    file(STRINGS ${file} lines REGEX "^(any|${kmapper_emulator_name}) +${label}[.]")
    foreach(line IN LISTS lines)
      string(REGEX MATCH "^[^ ]+ +${label}[.]([^ ]+) +(.+)$" found "${line}")
      list(APPEND skipped ${CMAKE_MATCH_1})
      set(name ${label}.${CMAKE_MATCH_1})
      add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo
                                    "skipped under ${kmapper_emulator_name}: ${CMAKE_MATCH_2}")
      set_tests_properties(${name} PROPERTIES LABELS ${label} SKIP_REGULAR_EXPRESSION "^skipped under")
    endforeach()
  endif()
  set(${out} ${skipped} PARENT_SCOPE)
endfunction()
