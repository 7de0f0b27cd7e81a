// The C interface to the handler for SIGBUS: see kmapper/kmapper.h.
#include "kmapper/process/sigbus.hpp"
#include "process/c/api.hpp"

using kmapper::process::handle_sigbus;
using kmapper::process::install_sigbus_handler;

int kmapper_handle_sigbus(int number, void* info, void* context) {
  return handle_sigbus(number, static_cast<siginfo_t*>(info), context) ? 1 : 0;
}

int kmapper_install_sigbus_handler() {
  try {
    install_sigbus_handler();
    return KMAPPER_OK;
  } catch (const std::system_error& error) {
    return kmapper::process::c::failed(kmapper::process::c::number_of(error.code()), error.what());
  } catch (const std::bad_alloc&) {
    return kmapper::process::c::failed(ENOMEM, "no memory for a handler for SIGBUS");
  }
}
