// What is found out when the program ends: what it leaves behind, and what it has overwritten.
#pragma once

namespace kmapper::linux_face {

/// When the program ends, pages, mappings and objects that are left are reported, with the calls
/// that made them. If there are any, the process ends with status 1.
void report_leaks_at_exit();

}  // namespace kmapper::linux_face
