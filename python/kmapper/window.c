/* kmapper.Window: a file, seen through a budget. */
#include <string.h>

#include "module.h"

/* --- Open and closed --- */

/* A path or a descriptor. `path` is NULL for a descriptor. -1: an exception is raised. */
static int file_of(PyObject* file, PyObject** path, int* descriptor) {
  *path = NULL;
  if (PyLong_Check(file)) {
    *descriptor = PyObject_AsFileDescriptor(file);
    return *descriptor < 0 ? -1 : 0;
  }
  return PyUnicode_FSConverter(file, path) ? 0 : -1;
}

static PyObject* window_new(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
  static char* names[] = {"file", "budget", "writable", NULL};
  PyObject *file, *budget_object, *path;
  int is_writable = 0, descriptor = -1, error;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "OO!|p:Window", names, &file, budget_type,
                                   &budget_object, &is_writable) ||
      file_of(file, &path, &descriptor) != 0)
    return NULL;
  Window* const self = (Window*)PyType_GenericAlloc(type, 0);
  if (self != NULL) {
    kmapper_budget* const budget = ((Budget*)budget_object)->handle;
    const int access = is_writable ? KMAPPER_READ_WRITE : KMAPPER_READ_ONLY;
    const char* const path_bytes = path != NULL ? PyBytes_AsString(path) : NULL;
    self->name = path != NULL ? PyUnicode_DecodeFSDefault(path_bytes)
                              : PyUnicode_FromFormat("descriptor %d", descriptor);
    self->granule = kmapper_budget_granule(budget);
    self->is_writable = (char)is_writable;
    Py_BEGIN_ALLOW_THREADS;
    error = path_bytes != NULL
                ? kmapper_window_open(path_bytes, access, budget, &self->handle)
                : kmapper_window_open_descriptor(descriptor, access, budget, &self->handle);
    Py_END_ALLOW_THREADS;
    if (error != 0 && self->name != NULL) raise_last(error);
  }
  Py_XDECREF(path);
  if (!PyErr_Occurred()) return (PyObject*)self;
  Py_XDECREF((PyObject*)self);
  return NULL;
}

static void close_now(Window* self) {
  kmapper_window* const handle = self->handle;
  self->handle = NULL;
  if (handle == NULL) return;
  Py_BEGIN_ALLOW_THREADS;
  kmapper_window_close(handle);
  Py_END_ALLOW_THREADS;
}

int window_enter(Window* self) {
  if (self->is_closed) {
    PyErr_Format(PyExc_ValueError, "%S: the window is closed", self->name);
    return -1;
  }
  ++self->users;
  return 0;
}

void window_leave(Window* self) {
  if (--self->users == 0 && self->is_closed) close_now(self);
}

static PyObject* window_close(PyObject* object, PyObject* unused) {
  (void)unused;
  Window* const self = (Window*)object;
  self->is_closed = 1;
  if (self->users == 0) close_now(self);
  Py_RETURN_NONE;
}

/* Each mapping and each call has a reference to the window: none uses it any more. */
static void window_dealloc(PyObject* object) {
  close_now((Window*)object);
  Py_XDECREF(((Window*)object)->name);
  free_object(object);
}

static PyObject* window_enter_with(PyObject* object, PyObject* unused) {
  (void)unused;
  return Py_NewRef(object);
}

static PyObject* window_exit(PyObject* object, PyObject* raised) {
  (void)raised;
  return window_close(object, NULL);
}

/* --- Mapping --- */

/* After a call that timed out. 0: try again. -1: a signal's handler, or a filter that makes errors
 * of warnings, raised an exception. */
static int keep_waiting(int* waits) {
  if ((*waits)++ == 0 && PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "has waited for a second: %s",
                                          kmapper_last_message()) != 0)
    return -1;
  return PyErr_CheckSignals();
}

int window_map_range(Window* self, long long offset, long long length, kmapper_mapping* mapping) {
  int waits = 0, error;
  do {
    Py_BEGIN_ALLOW_THREADS;
    error = kmapper_window_map(self->handle, offset, length, mapping);
    Py_END_ALLOW_THREADS;
  } while (error == KMAPPER_TIMED_OUT && keep_waiting(&waits) == 0);
  if (error != 0 && error != KMAPPER_TIMED_OUT) raise_last(error);
  return error == 0 ? 0 : -1;
}

static PyObject* window_map(PyObject* object, PyObject* arguments, PyObject* keywords) {
  static char* names[] = {"offset", "length", NULL};
  long long offset, length;
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "LL:map", names, &offset, &length))
    return NULL;
  return mapping_make((Window*)object, offset, length);
}

/* --- Copies --- */

enum { kSignalsAfter = 16 << 20 }; /* bytes: so often is a long copy open to signals */

typedef struct Copy {
  long long offset; /* in the file */
  char* memory;
  Py_ssize_t length; /* that is left */
  int to_file;
} Copy;

/* Copies up to the next border of granules, so that no more than one is pinned, and it is a hit if
 * it is mapped. Without the GIL. An error, or in *fault one of the access. */
static int copy_within_granule(const Window* window, Copy* copy, int* fault) {
  const long long left = window->granule - copy->offset % window->granule;
  const size_t size = (size_t)(left < copy->length ? left : copy->length);
  kmapper_mapping mapping;
  const int error = kmapper_window_map(window->handle, copy->offset, (int64_t)size, &mapping);
  if (error != 0) return error;
  memcpy(copy->to_file ? mapping.data : copy->memory, copy->to_file ? copy->memory : mapping.data,
         size);
  *fault = kmapper_mapping_fault(&mapping);
  kmapper_mapping_release(&mapping);
  if (*fault != 0) return 0;
  copy->offset += (long long)size;
  copy->memory += size;
  copy->length -= (Py_ssize_t)size;
  return 0;
}

/* 0, or -1 with an exception. */
static int run_copy(Window* self, Copy copy) {
  int waits = 0;
  while (copy.length > 0) {
    const Py_ssize_t end = copy.length > kSignalsAfter ? copy.length - kSignalsAfter : 0;
    int error = 0, fault = 0;
    Py_BEGIN_ALLOW_THREADS;
    while (copy.length > end && error == 0 && fault == 0)
      error = copy_within_granule(self, &copy, &fault);
    Py_END_ALLOW_THREADS;
    if (error == KMAPPER_TIMED_OUT) {
      if (keep_waiting(&waits) != 0) return -1;
    } else if (error != 0) {
      raise_last(error);
      return -1;
    } else if (fault != 0) {
      raise_fault(self, copy.offset, copy.length, fault);
      return -1;
    } else if (PyErr_CheckSignals() != 0) {
      return -1;
    }
  }
  return 0;
}

static PyObject* window_readinto(PyObject* object, PyObject* arguments) {
  Window* const self = (Window*)object;
  long long offset;
  Py_buffer buffer;
  if (!PyArg_ParseTuple(arguments, "Lw*:readinto", &offset, &buffer)) return NULL;
  int result = window_enter(self);
  if (result == 0) {
    result = run_copy(self, (Copy){offset, buffer.buf, buffer.len, 0});
    window_leave(self);
  }
  PyBuffer_Release(&buffer);
  if (result != 0) return NULL;
  Py_RETURN_NONE;
}

static Py_ssize_t window_length(PyObject* object) {
  Window* const self = (Window*)object;
  if (window_enter(self) != 0) return -1;
  const Py_ssize_t size = (Py_ssize_t)kmapper_window_size(self->handle);
  window_leave(self);
  return size;
}

/* -1: an exception is raised. */
static int slice_of(PyObject* object, PyObject* index, Py_ssize_t* begin, Py_ssize_t* length) {
  Py_ssize_t end, step;
  const Py_ssize_t size = window_length(object);
  if (size < 0) return -1;
  if (!PySlice_Check(index)) {
    PyErr_SetString(PyExc_TypeError, "a window is indexed by slices, as window[begin:end]");
    return -1;
  }
  if (PySlice_Unpack(index, begin, &end, &step) != 0) return -1;
  if (step != 1) {
    PyErr_Format(PyExc_ValueError, "a slice of a window has the step 1, not %zd", step);
    return -1;
  }
  *length = PySlice_AdjustIndices(size, begin, &end, step);
  return 0;
}

static PyObject* window_get(PyObject* object, PyObject* index) {
  Window* const self = (Window*)object;
  Py_ssize_t begin, length;
  if (slice_of(object, index, &begin, &length) != 0) return NULL;
  PyObject* result = PyBytes_FromStringAndSize(NULL, length);
  if (result == NULL || window_enter(self) != 0) {
    Py_XDECREF(result);
    return NULL;
  }
  if (run_copy(self, (Copy){begin, PyBytes_AsString(result), length, 0}) != 0) Py_CLEAR(result);
  window_leave(self);
  return result;
}

static int window_set(PyObject* object, PyObject* index, PyObject* value) {
  Window* const self = (Window*)object;
  Py_ssize_t begin, length;
  Py_buffer buffer;
  if (!self->is_writable || value == NULL) {
    PyErr_Format(PyExc_TypeError,
                 value != NULL ? "%S: the window was opened for reading"
                               : "%S: bytes of a file cannot be deleted",
                 self->name);
    return -1;
  }
  if (slice_of(object, index, &begin, &length) != 0 ||
      PyObject_GetBuffer(value, &buffer, PyBUF_SIMPLE) != 0)
    return -1;
  int result = -1;
  if (buffer.len != length) {
    PyErr_Format(PyExc_ValueError, "%S: %zd bytes at %zd cannot hold the %zd bytes that are given",
                 self->name, length, begin, buffer.len);
  } else if (window_enter(self) == 0) {
    result = run_copy(self, (Copy){begin, buffer.buf, length, 1});
    window_leave(self);
  }
  PyBuffer_Release(&buffer);
  return result;
}

/* --- The file --- */

/* Calls `call` without the GIL. */
static PyObject* run_call(PyObject* object, int (*call)(kmapper_window*)) {
  Window* const self = (Window*)object;
  int error;
  if (window_enter(self) != 0) return NULL;
  Py_BEGIN_ALLOW_THREADS;
  error = call(self->handle);
  Py_END_ALLOW_THREADS;
  if (error != 0) raise_last(error);
  window_leave(self);
  if (error != 0) return NULL;
  Py_RETURN_NONE;
}

static PyObject* window_sync(PyObject* object, PyObject* unused) {
  (void)unused;
  return run_call(object, kmapper_window_sync);
}

static PyObject* window_refresh(PyObject* object, PyObject* unused) {
  (void)unused;
  return run_call(object, kmapper_window_refresh);
}

static PyObject* window_longest(PyObject* object, void* unused) {
  (void)unused;
  Window* const self = (Window*)object;
  if (window_enter(self) != 0) return NULL;
  const int64_t longest = kmapper_window_longest(self->handle);
  window_leave(self);
  return PyLong_FromLongLong(longest);
}

static PyMethodDef methods[] = {
    {"map", (PyCFunction)(void (*)(void))window_map, METH_VARARGS | METH_KEYWORDS,
     "map($self, offset, length)\n--\n\nMaps a range, which lies within the file, and is at most\n"
     "`longest` bytes. Returns a Mapping. Waits while all that the budget allows is held."},
    {"readinto", window_readinto, METH_VARARGS,
     "readinto($self, offset, buffer, /)\n--\n\nFills a writable buffer with the file's bytes "
     "from\n"
     "`offset` on. A buffer of any size: it holds no more than one granule at a time."},
    {"sync", window_sync, METH_NOARGS,
     "sync($self)\n--\n\nReturns when all that was written to the file is on its disk. Raises an\n"
     "exception, once, if a write was lost."},
    {"refresh", window_refresh, METH_NOARGS,
     "refresh($self)\n--\n\nReads the file's size again and, where granules are copies, the file."},
    {"close", window_close, METH_NOARGS,
     "close($self)\n--\n\nCloses the window; the file, when its last mapping is given back."},
    {"__enter__", window_enter_with, METH_NOARGS, NULL},
    {"__exit__", window_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef properties[] = {
    {"longest", window_longest, NULL, "The longest range in bytes that map() takes.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Window(file, budget, writable=False)\n--\n\n"
     "A file, seen through a budget. `file`: a path, or a descriptor, which is duplicated.\n\n"
     "len(window) is the file's size when it was last read. window[begin:end] is a copy, and\n"
     "window[begin:end] = bytes writes. Any thread may use it at any time."},
    {Py_tp_new, window_new},
    {Py_tp_dealloc, window_dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_mp_length, window_length},
    {Py_mp_subscript, window_get},
    {Py_mp_ass_subscript, window_set},
    {0, NULL},
};
PyType_Spec window_spec = {
    .name = "kmapper.Window",
    .basicsize = sizeof(Window),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
