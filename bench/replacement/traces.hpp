// The loads: those of the process bench, a scan beside them, loops, a tree, and the shapes of
// public traces.
//
//     uniform, zipf, 90/10   as in bench/process/load.hpp; the file is 16 or 4 times the window
//     zipf+scan 4:1 1:1 1:4  uses by Zipf, and between them the next pages of a scan of the file
//     zipf+lines             the same 1:1, and the scan uses each page 16 times before the next
//     zipf+bursts            now and then the scan goes through twice the window's pages
//     loop 1.1, 1.5, 2       round and round so many times the window's pages
//     loop 1.1+zipf          the same, every other use is by Zipf in another file
//     tree                   Zipf in the leaves of a tree of fan-out 256, and the path to them
//     drift                  uniform in 0.8 of the window, which moves on by a page every 4 uses
//     pairs                  each page is used twice, half a window's pages apart, and never again
//     block                  MSR Cambridge: Zipf, runs that are used once, runs that are read again
//                            later, and a small loop
//     key-value              Twitter: Zipf whose ranks move, one use of 5 is of a page used once
//     disk                   CloudPhysics: recently used pages again, Zipf, and a backup's scan
//
// The last three are what the papers of S3-FIFO (SOSP 2023) and SIEVE (NSDI 2024) say about these
// traces, not the traces. All is repeatable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/replacement/policy.hpp"

namespace kmapper::bench {

struct TraceMaker {
  std::string name;
  Trace (*make)(std::uint32_t slots, std::size_t uses);
};
[[nodiscard]] std::vector<TraceMaker> traces();

}  // namespace kmapper::bench
