// What a program is: conformance.cpp, main.cpp, bench.cpp.
#pragma once

namespace port {

/// Runs in a thread. False: something failed.
bool program();

}  // namespace port
