// bigsort: sorts a file of records, of any size, within a given amount of memory; also in a 32-bit
// process, which could not map the file. sort.hpp describes how.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

#include "../common/command_line.hpp"
#include "sort.hpp"

namespace kmapper::examples {
namespace {

constexpr const char* kHelp =
    "usage: bigsort --record SIZE [OPTION...] INPUT OUTPUT\n"
    "\n"
    "Sorts a file of records of one size by their bytes, as memcmp() compares them: `LC_ALL=C "
    "sort` for records.\n"
    "Records with equal keys stay in their order. OUTPUT may be INPUT, which is then overwritten "
    "when a sorted\n"
    "copy is complete. Temporary files need as much disk space as INPUT, and twice that if there "
    "are more runs than\n"
    "can be merged at once.\n"
    "\n"
    "  --record SIZE      bytes of a record, 1 to 64K\n"
    "  --key BEGIN:SIZE   the part of a record to sort by, in bytes from 0 on (default: all of "
    "it)\n"
    "  --memory SIZE      the memory that it may map and allocate, 4M to 2G (default: 64M)\n"
    "  --temporary FOLDER the folder for temporary files, which have no name (default: OUTPUT's)\n"
    "\n"
    "Exit codes: 0 sorted; 1 failed (OUTPUT is unchanged, or must be sorted again); 2 wrong "
    "usage.\n";

constexpr std::int64_t kGranule = 64 << 10;

/// Closes a file.
class Closer {
 public:
  explicit Closer(int descriptor) : descriptor_(descriptor) {}
  Closer(const Closer&) = delete;
  Closer& operator=(const Closer&) = delete;
  ~Closer() { close(descriptor_); }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

[[noreturn]] void fail(const std::string& name, int number) {
  throw std::system_error(number, std::generic_category(), name);
}

int open_or_fail(const std::string& name, int flags) {
  const int descriptor = open(name.c_str(), flags | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(name, errno);
  return descriptor;
}

struct stat status_of(int descriptor, const std::string& name) {
  struct stat status {};
  if (fstat(descriptor, &status) != 0) fail(name, errno);
  if (!S_ISREG(status.st_mode)) throw std::runtime_error(name + ": not a regular file");
  return status;
}

/// Sets the file's size, and allocates disk space for all of it, so that a full disk is an error
/// here.
void allocate(int descriptor, const std::string& name, std::int64_t size) {
  if (size == 0) return;
  if (const int number = posix_fallocate(descriptor, 0, size)) fail(name, number);
}

/// A file without a name. It is deleted when the process ends.
OpenFile temporary_file(const std::string& folder, std::int64_t size) {
  std::string name = folder + "/bigsort-XXXXXX";
  const int descriptor = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) fail("a temporary file in " + folder, errno);
  unlink(name.c_str());
  allocate(descriptor, name, size);
  return {descriptor, name};
}

std::string folder_of(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? "." : name.substr(0, slash + 1);
}

Records parse_records(const CommandLine& line) {
  constexpr std::int64_t kMost = 64 << 10;
  const std::string text = line.value("--record", "");
  if (text.empty()) throw Misuse("--record SIZE is missing: how many bytes a record has");
  const auto size = static_cast<std::size_t>(parse_size("--record", text, 1, kMost));
  const std::string key = line.value("--key", "0:" + std::to_string(size));
  const std::size_t colon = key.find(':');
  if (colon == std::string::npos) throw Misuse("--key " + key + ": not BEGIN:SIZE");
  const auto begin = static_cast<std::size_t>(parse_size("--key", key.substr(0, colon), 0, kMost));
  const auto key_size =
      static_cast<std::size_t>(parse_size("--key", key.substr(colon + 1), 1, kMost));
  if (begin + key_size > size)
    throw Misuse("--key " + key + ": ends beyond the record, which has " + std::to_string(size) +
                 " bytes");
  return {size, begin, key_size};
}

void report(std::int64_t size, const Records& records, const Summary& summary) {
  const auto mib = static_cast<double>(size) / (1 << 20);
  const auto rate = [&](double seconds, double passes) {
    return seconds > 0 ? passes * mib / seconds : 0;
  };
  std::printf("records    %lld of %zu bytes, %s\n",
              static_cast<long long>(size / static_cast<std::int64_t>(records.size)), records.size,
              show_size(size).c_str());
  std::printf("runs       %lld, in %.1f s, %.0f MiB/s\n", static_cast<long long>(summary.runs),
              summary.sorting_seconds, rate(summary.sorting_seconds, 1));
  std::printf("merging    %lld at once, %lld times, in %.1f s, %.0f MiB/s\n",
              static_cast<long long>(summary.ways), static_cast<long long>(summary.merges),
              summary.merging_seconds,
              rate(summary.merging_seconds, static_cast<double>(summary.merges)));
  std::printf("all        %.1f s, %.0f MiB/s, in a process of %zu bits\n",
              summary.sorting_seconds + summary.merging_seconds,
              rate(summary.sorting_seconds + summary.merging_seconds, 1), 8 * sizeof(void*));
  std::printf("peak RSS   %s\n", show_size(status_of_process("VmHWM")).c_str());
}

int bigsort(int count, char** words) {
  const CommandLine line({"--record", "--key", "--memory", "--temporary"}, count, words);
  if (line.wants_help()) {
    std::fputs(kHelp, stdout);
    return 0;
  }
  if (line.rest().size() != 2)
    throw Misuse("it takes two files, INPUT and OUTPUT; --help says more");
  const std::string& input = line.rest()[0];
  const std::string& output = line.rest()[1];
  const Records records = parse_records(line);
  const Memory memory{
      parse_size("--memory", line.value("--memory", "64M"), 4 << 20, std::int64_t{2} << 30),
      kGranule};

  const Closer from(open_or_fail(input, O_RDONLY));
  const std::int64_t size = status_of(from.descriptor(), input).st_size;
  if (size % static_cast<std::int64_t>(records.size) != 0)
    throw std::runtime_error(input + ": " + std::to_string(size) +
                             " bytes are not a whole number of records of " +
                             std::to_string(records.size));

  const Closer to(open_or_fail(output, O_RDWR | O_CREAT));
  const struct stat status = status_of(to.descriptor(), output);
  const struct stat input_status = status_of(from.descriptor(), input);
  const bool in_place =
      status.st_dev == input_status.st_dev && status.st_ino == input_status.st_ino;
  if (!in_place && ftruncate(to.descriptor(), 0) != 0) fail(output, errno);
  allocate(to.descriptor(), output, size);
  const std::string folder = line.value("--temporary", folder_of(output));
  const Summary summary = sort_file({from.descriptor(), input}, {to.descriptor(), output}, size,
                                    records, memory, [&] { return temporary_file(folder, size); });
  report(size, records, summary);
  return 0;
}

}  // namespace
}  // namespace kmapper::examples

int main(int count, char** words) {
  return kmapper::examples::run("bigsort", kmapper::examples::bigsort, count, words);
}
