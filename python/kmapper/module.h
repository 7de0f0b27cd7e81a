/* What the sources of the module share: the types, and how an error of the library becomes an
 * exception.
 *
 * The module is C over kmapper.h, and uses no more of Python than the limited API of 3.11, so one
 * binary serves every later Python, too. All fields of its objects are guarded by the GIL. A call
 * of the library that may wait or do I/O runs without the GIL.
 */
#ifndef KMAPPER_PYTHON_MODULE_H
#define KMAPPER_PYTHON_MODULE_H

#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>

#include "kmapper/kmapper.h"

typedef struct Budget {
  PyObject_HEAD kmapper_budget* handle;
} Budget;

typedef struct Window {
  PyObject_HEAD kmapper_window* handle; /* NULL when it is closed and has no users */
  PyObject* name;                       /* for messages */
  int64_t granule;
  Py_ssize_t users; /* mappings, and calls that run without the GIL */
  char is_closed, is_writable;
} Window;

extern PyTypeObject *budget_type, *window_type, *mapping_type;
extern PyType_Spec budget_spec, window_spec, mapping_spec;

/* Raises what the failed call of this thread reports: OSError if `error` is the system's, else
 * kmapper.Error. Returns NULL. */
PyObject* raise_last(int error);
/* The same for an access to a mapped range: the library has the number of its error alone. */
PyObject* raise_fault(const Window* window, long long offset, long long length, int error);

/* The end of each type's tp_dealloc. */
void free_object(PyObject* self);

/* Keeps the window open until window_leave(), also if it is closed meanwhile. -1: it is closed
 * already, and ValueError is raised. */
int window_enter(Window* self);
/* May close the window, without the GIL, and keeps an exception that is set. */
void window_leave(Window* self);
/* Maps a range of a window that the caller has entered. Waits without the GIL, but handles signals,
 * and warns when it has waited for a second. -1: an exception is raised. */
int window_map_range(Window* self, long long offset, long long length, kmapper_mapping* mapping);

/* A new kmapper.Mapping of the window. NULL: an exception is raised. */
PyObject* mapping_make(Window* window, long long offset, long long length);

#endif
