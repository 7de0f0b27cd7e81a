// sha256 INDEX: the SHA-256 of a file, whose pages are mapped read-only into the process.
#include "kernel/lib/sha256.hpp"

#include "kernel/user/programs/system.hpp"

namespace kmapper::program {

std::uint32_t run(std::string_view arguments) {
  const std::uint32_t index = next_number(arguments, 0);
  kernel::FileInfo file{};
  const UserError found = kernel::error_of(call(Syscall::file_info, index, address_of(&file)));
  if (found != UserError::none) {
    say("sha256: file {}: {}\n", index, kernel::describe(found));
    return 1;
  }
  kernel::Sha256 sha;
  if (file.size_low != 0 || file.size_high != 0) {
    const std::uint32_t address = call(Syscall::map_file, index);
    if (kernel::error_of(address) != UserError::none || file.size_high != 0) {
      say("sha256: file {} cannot be mapped: {}\n", index,
          kernel::describe(kernel::error_of(address)));
      return 1;
    }
    sha.update({at<const std::uint8_t>(address), file.size_low});
  }
  const kernel::Sha256::Digest digest = sha.finish();
  char hex[2 * sizeof digest];
  for (std::size_t i = 0; i < digest.size(); ++i) {
    (void)kernel::format_to({hex + 2 * i, 2}, "{:02x}", digest[i]);
  }
  say("sha256 {}  {} {}\n", std::string_view(hex, sizeof hex), index,
      std::string_view(file.name, file.name_size));
  return 0;
}

}  // namespace kmapper::program
