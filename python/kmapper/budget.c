/* kmapper.Budget: how much may be mapped at any moment, and its statistics. */
#include <stddef.h>
#include <string.h>

#include "module.h"

static const char* const placements[] = {
    [KMAPPER_PLACEMENT_AUTOMATIC] = "automatic",
    [KMAPPER_PLACEMENT_SLOTS] = "slots",
    [KMAPPER_PLACEMENT_HOME] = "home",
    [KMAPPER_PLACEMENT_COPIES] = "copies",
};

/* Its number, or -1, and ValueError is raised. */
static int placement_of(const char* name) {
  for (size_t i = 0; i < sizeof placements / sizeof *placements; ++i) {
    if (strcmp(name, placements[i]) == 0) return (int)i;
  }
  PyErr_Format(PyExc_ValueError, "placement '%s' is none of automatic, slots, home, copies", name);
  return -1;
}

/* numpy maps long ranges, each of which crosses granules: a quarter of the budget is for them. The
 * library's own choice is a sixteenth. */
enum { kSpansPart = 4 };

static PyObject* budget_new(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
  static char* names[] = {"bytes", "granule", "placement", "span_bytes", NULL};
  long long bytes = 256 << 20, granule = 0, span_bytes = 0;
  const char* placement_name = "automatic";
  if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|L$LsL:Budget", names, &bytes, &granule,
                                   &placement_name, &span_bytes))
    return NULL;
  const int placement = placement_of(placement_name);
  if (placement < 0) return NULL;
  if (bytes == 0) {
    PyErr_SetString(PyExc_ValueError, "bytes 0: a budget has at least a granule");
    return NULL;
  }
  Budget* const self = (Budget*)PyType_GenericAlloc(type, 0);
  if (self == NULL) return NULL;
  /* A wait of a second is an error for the library, so that the module can handle signals, and then
   * wait again: window_map_range(). */
  const kmapper_options options = {
      .size = sizeof options,
      .bytes = bytes,
      .granule = granule,
      .placement = (uint32_t)placement,
      .on_long_wait = KMAPPER_ON_LONG_WAIT_ERROR,
      .span_bytes = span_bytes != 0 ? span_bytes : bytes / kSpansPart,
  };
  int error;
  Py_BEGIN_ALLOW_THREADS;
  error = kmapper_budget_create(&options, &self->handle);
  Py_END_ALLOW_THREADS;
  if (error == 0) return (PyObject*)self;
  raise_last(error);
  Py_DECREF((PyObject*)self);
  return NULL;
}

static void budget_dealloc(PyObject* object) {
  Py_BEGIN_ALLOW_THREADS;
  kmapper_budget_destroy(((Budget*)object)->handle);
  Py_END_ALLOW_THREADS;
  free_object(object);
}

/* The members of kmapper_stats, each of 64 bits. None of the counts reaches 2^63. */
#define MEMBER(name) \
  { #name, offsetof(kmapper_stats, name) }
static const struct {
  const char* name;
  size_t offset;
} members[] = {
    MEMBER(hits),
    MEMBER(misses),
    MEMBER(scavenges),
    MEMBER(slots_scavenged),
    MEMBER(sleeps),
    MEMBER(longest_sleep_ns),
    MEMBER(longest_hold_ns),
    MEMBER(longest_holder),
    MEMBER(map_calls),
    MEMBER(unmap_calls),
    MEMBER(spans),
    MEMBER(budget),
    MEMBER(granule),
    MEMBER(mapped),
    MEMBER(populated),
    MEMBER(pinned),
    MEMBER(overhead),
    MEMBER(span_bytes),
    MEMBER(span_bytes_in_use),
    MEMBER(span_longest_free),
    MEMBER(span_waiters),
    MEMBER(files_in_slots),
    MEMBER(files_at_home),
    MEMBER(files_in_copies),
};

static PyObject* budget_stats(PyObject* object, PyObject* unused) {
  (void)unused;
  kmapper_stats stats = {.size = sizeof stats};
  int error;
  Py_BEGIN_ALLOW_THREADS;
  error = kmapper_budget_stats(((Budget*)object)->handle, &stats);
  Py_END_ALLOW_THREADS;
  if (error != 0) return raise_last(error);
  PyObject* result = PyDict_New();
  for (size_t i = 0; result != NULL && i < sizeof members / sizeof *members; ++i) {
    int64_t value;
    memcpy(&value, (const char*)&stats + members[i].offset, sizeof value);
    PyObject* const number = PyLong_FromLongLong(value);
    if (number == NULL || PyDict_SetItemString(result, members[i].name, number) != 0)
      Py_CLEAR(result);
    Py_XDECREF(number);
  }
  return result;
}

static PyObject* budget_trim(PyObject* object, PyObject* unused) {
  (void)unused;
  int64_t granules;
  Py_BEGIN_ALLOW_THREADS;
  granules = kmapper_budget_trim(((Budget*)object)->handle);
  Py_END_ALLOW_THREADS;
  return PyLong_FromLongLong(granules);
}

static PyMethodDef methods[] = {
    {"stats", budget_stats, METH_NOARGS,
     "stats($self)\n--\n\nCounts since the budget was made, and the present state, as a dict; see\n"
     "kmapper_stats in kmapper.h. Looks at every granule that is mapped."},
    {"trim", budget_trim, METH_NOARGS,
     "trim($self)\n--\n\nUnmaps all granules without a holder. Returns how many."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "Budget(bytes=268435456, *, granule=0, placement='automatic', span_bytes=0)\n--\n\n"
     "What may be mapped at any moment, in bytes, for all windows that are opened with it.\n\n"
     "granule: what is mapped and taken back in one piece, a power of two from the page size to\n"
     "2 MiB; 0: the library chooses. placement: 'automatic', 'slots', 'home' or 'copies', see\n"
     "docs/PROCESS.md. span_bytes: the part of `bytes` for mappings across granules; 0: a "
     "quarter."},
    {Py_tp_new, budget_new},
    {Py_tp_dealloc, budget_dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};
PyType_Spec budget_spec = {
    .name = "kmapper.Budget",
    .basicsize = sizeof(Budget),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
