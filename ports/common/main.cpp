// The work of a kernel with high memory: a file that lies there is hashed, every page of it is
// written and read back on all CPUs, more threads than slots hold pages, and pages are copied by
// kmap_local.
#include "kmapper/core/reservation.hpp"
#include "platform.hpp"
#include "program.hpp"

namespace port {
namespace {

constexpr uint32_t kSlots = 512;

/// Runs the function on all CPUs at once, each in a thread of its own, and waits for the end.
class OnAllCpus {
 public:
  /// The function gets the CPU's number.
  explicit OnAllCpus(void (*function)(uint32_t cpu)) : function_(function) {
    for (uint32_t cpu = 0; cpu < machine::cpus(); ++cpu) start_thread(&run, this, cpu);
    while (ended_.load(kmapper::memory_order_acquire) != machine::cpus()) yield();
  }

 private:
  static void run(void* it) {
    auto& self = *static_cast<OnAllCpus*>(it);
    self.function_(machine::cpu());
    self.ended_.fetch_add(1, kmapper::memory_order_release);
  }

  void (*function_)(uint32_t cpu);
  kmapper::Atomic<uint32_t> ended_{0};
};

/// Says how long it took since it was made.
class StopWatch {
 public:
  void print_time() const {
    // To divide 64 bits takes a library. 2^6 ns fit a second into 24 bits.
    const auto passed = static_cast<uint32_t>((machine::clock() - begin_) >> 6);
    print(", ", passed / 15625, " ms\n");
  }

 private:
  uint64_t begin_ = machine::clock();
};

// --- A file in high memory ---

/// The length in "file=LENGTH" on the command line; 0: there is none.
uint32_t file_length() {
  uint32_t length = 0;
  const char* at = machine::boot_arguments();
  for (const char* key = "file="; *key != 0; ++key, ++at) {
    if (*at != *key) return 0;
  }
  for (; *at >= '0' && *at <= '9'; ++at) length = length * 10 + static_cast<uint32_t>(*at - '0');
  return length;
}

/// CRC-32 as zlib's crc32().
class Crc {
 public:
  Crc() {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0xEDB88320U : 0);
      table_[i] = value;
    }
  }
  void add(const uint8_t* bytes, uint32_t size) {
    for (uint32_t i = 0; i < size; ++i) crc_ = crc_ >> 8 ^ table_[(crc_ ^ bytes[i]) & 255];
  }
  [[nodiscard]] uint32_t value() const { return ~crc_; }

 private:
  uint32_t table_[256];
  uint32_t crc_ = UINT32_MAX;
};

bool hash_file() {
  const uint32_t length = file_length();
  if (length == 0) return true;
  const StopWatch watch;
  Crc crc;
  for (uint32_t done = 0; done < length; done += kPageSize) {
    const uint32_t size = length - done < kPageSize ? length - done : kPageSize;
    Page* const page = high_page(done / kPageSize);
    if (number_of(page) >= kFirstHighPage + high_page_count()) return false;
    crc.add(static_cast<const uint8_t*>(highmem.kmap(page)), size);
    highmem.kunmap(page);
  }
  print_hex("file: crc32 ", crc.value());
  print(", ", length, " bytes");
  watch.print_time();
  return true;
}

// --- Every high page ---

constexpr uint32_t kWords[] = {0, 1, 341, 682, 1022, 1023};  // of a page

uint32_t word_of(uint32_t page, uint32_t word) { return page * 2654435761U + word; }

kmapper::Atomic<uint32_t> written{0};
kmapper::Atomic<uint32_t> right{0};
kmapper::Atomic<uint32_t> wrong{0};

/// Each CPU writes every machine::cpus()-th page.
void write_pages(uint32_t cpu) {
  uint32_t count = 0;
  for (uint32_t i = cpu; i < high_page_count(); i += machine::cpus(), ++count) {
    auto* const words = static_cast<volatile uint32_t*>(highmem.kmap(high_page(i)));
    for (const uint32_t word : kWords) words[word] = word_of(i, word);
    highmem.kunmap(high_page(i));
  }
  written.fetch_add(count);
}

/// Each CPU reads a row of pages that all CPUs have written, from its end.
void read_pages(uint32_t cpu) {
  uint32_t counts[2] = {};  // wrong, right
  const uint32_t share = high_page_count() / machine::cpus();
  const uint32_t begin = cpu * share;
  const uint32_t end = cpu + 1 == machine::cpus() ? high_page_count() : begin + share;
  for (uint32_t i = end; i-- > begin;) {
    const auto* const words = static_cast<const volatile uint32_t*>(highmem.kmap(high_page(i)));
    bool is_right = true;
    for (const uint32_t word : kWords) is_right = is_right && words[word] == word_of(i, word);
    highmem.kunmap(high_page(i));
    ++counts[is_right ? 1 : 0];
  }
  wrong.fetch_add(counts[0]);
  right.fetch_add(counts[1]);
}

bool fill_memory() {
  {
    const StopWatch watch;
    const OnAllCpus all(&write_pages);
    print("written: ", written.load(), " high pages");
    watch.print_time();
  }
  const StopWatch watch;
  const OnAllCpus all(&read_pages);
  print("read: ", right.load(), " right, ", wrong.load(), " wrong");
  watch.print_time();
  return right.load() == high_page_count() && wrong.load() == 0;
}

// --- More threads than slots ---

struct Crowd {
  static constexpr uint32_t kThreads = 40;
  static constexpr uint32_t kSlots = 16;
  static constexpr uint32_t kRounds = 20;
  kmapper::Atomic<uint32_t> started{0};
  kmapper::Atomic<uint32_t> ended{0};
  kmapper::Atomic<uint32_t> wrong{0};

  Page* const pages = high_memory.take(kThreads * kRounds);

  static void run(void* it) {
    auto& self = *static_cast<Crowd*>(it);
    const uint32_t me = self.started.fetch_add(1);
    for (uint32_t round = 0; round < kRounds; ++round) {
      Page* const page = self.pages + round * kThreads + me;
      auto* const word = static_cast<volatile uint32_t*>(highmem.kmap(page));
      *word = me;
      for (int turn = 0; turn < 3; ++turn) yield();
      if (*word != me) self.wrong.fetch_add(1);
      highmem.kunmap(page);
    }
    self.ended.fetch_add(1, kmapper::memory_order_release);
  }
};

bool crowd() {
  const StopWatch watch;
  const uint32_t sleeps = static_cast<uint32_t>(highmem.stats().sleeps);
  const auto rest = highmem.reserve(kSlots - Crowd::kSlots);  // makes the window smaller
  Crowd crowd;
  if (!rest || crowd.pages == nullptr) return false;
  for (uint32_t i = 0; i < Crowd::kThreads; ++i) start_thread(&Crowd::run, &crowd);
  while (crowd.ended.load(kmapper::memory_order_acquire) != Crowd::kThreads) yield();
  print(Crowd::kThreads, " threads, ", Crowd::kSlots, " slots: ", crowd.wrong.load(), " wrong, ");
  print(static_cast<uint32_t>(highmem.stats().sleeps) - sleeps, " sleeps");
  watch.print_time();
  return crowd.wrong.load() == 0;
}

// --- Copies by kmap_local ---

kmapper::Atomic<uint32_t> bad_copies{0};

void copy_page(uint32_t cpu) {
  Page* const from = high_memory.take();
  Page* const to = high_memory.take();
  auto* const words = static_cast<uint32_t*>(local_maps.kmap_local(from));
  for (uint32_t i = 0; i < kPageSize / 4; ++i) words[i] = word_of(cpu, i);
  void* const copy = local_maps.kmap_local(to);
  yield();  // others use this CPU's slots meanwhile
  __builtin_memcpy(copy, words, kPageSize);
  local_maps.kunmap_local(copy);
  local_maps.kunmap_local(words);
  const auto* const copied = static_cast<const uint32_t*>(highmem.kmap(to));
  for (uint32_t i = 0; i < kPageSize / 4; ++i) {
    if (copied[i] != word_of(cpu, i)) bad_copies.fetch_add(1);
  }
  highmem.kunmap(to);
}

bool copy_pages() {
  const OnAllCpus all(&copy_page);
  print("kmap_local: ", machine::cpus(), " pages copied, ", bad_copies.load(), " wrong words\n");
  return bad_copies.load() == 0;
}

}  // namespace

bool program() {
  highmem.open(kSlots);
  const bool hashed = hash_file();
  const bool filled = fill_memory();
  const bool crowded = crowd();
  const bool copied = copy_pages();
  return hashed && filled && crowded && copied;
}

}  // namespace port
