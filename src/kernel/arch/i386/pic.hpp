// The two 8259A interrupt controllers of a PC. This kernel takes its interrupts from the local
// APICs, so all that is to be done about these two is to keep them silent.
#pragma once

namespace kmapper::kernel {

/// Masks every line, and moves the vectors away from the exceptions, in case one fires all the
/// same. Once.
void pic_silence();

}  // namespace kmapper::kernel
