// Opening a file, and what the library finds out about it before it maps any of it: what kind of
// file it is, whether it can be mapped as the caller wants to, and in what pieces the kernel maps
// it. Nothing here waits for another process, or changes the file.
#pragma once

#include <cstddef>
#include <string>

#include "kmapper/process/process.hpp"
#include "system/descriptor.hpp"

namespace kmapper::process {

/// Opens the file of a path. Throws std::system_error, whose text says what the file is where that
/// is the reason.
[[nodiscard]] system::Descriptor open_file(const std::string& path, Access access);
/// Duplicates a descriptor that the program has opened. Throws like open_file().
[[nodiscard]] system::Descriptor duplicate_file(int descriptor, const std::string& name,
                                                Access access);

/// What the kernel maps of the file in one piece, in bytes: a page or a huge page. Throws
/// std::system_error if the file system maps no part of the file, or no piece as small as a
/// granule.
[[nodiscard]] std::size_t check_mappable(int descriptor, const std::string& name,
                                         std::size_t granule);
/// For copies: throws std::system_error if the file does not say how long it is.
void check_readable(int descriptor, const std::string& name);

}  // namespace kmapper::process
