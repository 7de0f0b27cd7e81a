// What a kernel includes is there, and needs no library.
#include <kmapper/core/impl/mapper.hpp>

int main() { return 0; }
