// What a miss costs on this machine: measured once for each file system, access and granule.
//
// The costs of a page fault, of giving a page back and of a read differ by a factor of ten between
// machines, so that no table could tell which placement is the fastest. They are measured by the
// system calls that a miss makes:
//
//     slots    the granule is mapped over the one before it, and touched
//     home     granules are mapped and touched, and dropped by one call for sixteen
//     copies   the granule is read into memory that is there already
//
// A file on a disk is measured by its own first pages, which are only read, at most 256 KiB.
// A memory file is not touched, because even a read of a hole would take memory for it: another
// memory file, made for this, stands for it. No access raises a signal, whatever becomes of the
// file meanwhile, and nothing stays mapped. The best of several runs counts, so that it does not
// matter when something else takes the CPU. The time is limited to about 10 ms, beside the first
// read from a disk that is not cached.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kmapper/process/process.hpp"

namespace kmapper::process {

/// What a miss takes in one placement, with all that is needed to give the granule back, in
/// nanoseconds.
struct MissCost {
  std::int64_t page;   // only a page of the granule is used
  std::int64_t whole;  // every page of it is used

  /// What stands for the placement: how much of a granule will be used is not known.
  [[nodiscard]] std::int64_t mean() const { return (page + whole) / 2; }
};

struct Costs {
  MissCost slots;
  MissCost copies;
  std::optional<MissCost> home;  // nothing: such a file has no home, see Home::open()
};

/// The file to measure. The caller owns the descriptor.
struct Subject {
  int descriptor;
  Access access;
  unsigned granule_shift;
};

/// Measures, whatever is known. Nothing: the file is on a disk and shorter than a granule (or 256
/// KiB), or is in huge pages; a call failed; or the process locks what it maps (mlockall).
[[nodiscard]] std::optional<Costs> measure(const Subject& subject);

/// The costs that are known for files like this one; measures where nothing is known. What is
/// measured is kept until the process ends, also in a child of a fork. Any thread: threads that ask
/// for the same at the same time all measure, so that none waits for another.
[[nodiscard]] std::optional<Costs> costs_of(const Subject& subject);

/// For tests: what costs_of() returns for files like this one from now on, without measuring.
void set_costs(const Subject& subject, std::optional<Costs> costs);

}  // namespace kmapper::process
