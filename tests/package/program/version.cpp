// Prints the library's version, and fails where the headers are of another one.
#include <kmapper/version.h>

#include <cstdio>
#include <cstring>

int main() {
  std::puts(kmapper_version());
  return kmapper_version_number() == KMAPPER_VERSION_NUMBER &&
                 std::strcmp(kmapper_version(), KMAPPER_VERSION) == 0
             ? 0
             : 1;
}
