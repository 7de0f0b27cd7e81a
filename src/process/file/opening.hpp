// Opening a file, and what the library finds out about it before mapping any of it: the kind of
// file, whether it can be mapped as the caller wants to, and the unit in which the kernel maps it.
// Nothing here waits for another process, or changes the file.
#pragma once

#include <cstddef>
#include <string>

#include "kmapper/process/process.hpp"
#include "system/descriptor.hpp"

namespace kmapper::process {

/// Opens the file of a path. Throws std::system_error. If the kind of file is the reason, the text
/// names it.
[[nodiscard]] system::Descriptor open_file(const std::string& path, Access access);
/// Duplicates a descriptor that the program has opened. Throws like open_file().
[[nodiscard]] system::Descriptor duplicate_file(int descriptor, const std::string& name,
                                                Access access);

/// The unit in which the kernel maps the file, in bytes: a page or a huge page. Throws
/// std::system_error if the file system cannot map the file, or not in units as small as a granule.
[[nodiscard]] std::size_t check_mappable(int descriptor, const std::string& name,
                                         std::size_t granule);
/// For copies: throws std::system_error if the file does not say how long it is.
void check_readable(int descriptor, const std::string& name);

}  // namespace kmapper::process
