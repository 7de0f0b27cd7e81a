/* The module `kmapper._kmapper`: its exceptions, and its types. */
#include "module.h"

PyTypeObject *budget_type, *window_type, *mapping_type;
static PyObject* error_type;

/* kmapper.Error.status */
static const char* word_of(int status) {
  switch (status) {
    case KMAPPER_WOULD_SLEEP:
      return "would_sleep";
    case KMAPPER_TIMED_OUT:
      return "timed_out";
    case KMAPPER_CANCELLED:
      return "cancelled";
    case KMAPPER_TOO_MANY_USERS:
      return "too_many_users";
    case KMAPPER_TOO_LARGE:
      return "too_large";
    case KMAPPER_INVALID_RANGE:
      return "invalid_range";
    case KMAPPER_BEYOND_END:
      return "beyond_end";
    case KMAPPER_PINNED:
      return "pinned";
    case KMAPPER_READ_ONLY_WINDOW:
      return "read_only_window";
    case KMAPPER_INVALID_OPTION:
      return "invalid_option";
    case KMAPPER_CUT_SHORT:
      return "cut_short";
    case KMAPPER_FORKED:
      return "forked";
    case KMAPPER_SPENT:
      return "spent";
    case KMAPPER_WOULD_DEADLOCK:
      return "would_deadlock";
    default:
      return "unknown";
  }
}

/* Takes over `message`, which is NULL if it could not be made. */
static PyObject* raise_with(int error, PyObject* message) {
  if (message == NULL) return NULL;
  if (error > 0) {
    PyObject* const arguments = Py_BuildValue("(iO)", error, message);
    if (arguments != NULL) PyErr_SetObject(PyExc_OSError, arguments);
    Py_XDECREF(arguments);
  } else {
    PyObject* const raised = PyObject_CallFunctionObjArgs(error_type, message, NULL);
    PyObject* const status = PyUnicode_FromString(word_of(error));
    if (raised != NULL && status != NULL && PyObject_SetAttrString(raised, "status", status) == 0)
      PyErr_SetObject(error_type, raised);
    Py_XDECREF(status);
    Py_XDECREF(raised);
  }
  Py_DECREF(message);
  return NULL;
}

PyObject* raise_last(int error) {
  return raise_with(error, PyUnicode_DecodeFSDefault(kmapper_last_message()));
}

PyObject* raise_fault(const Window* window, long long offset, long long length, int error) {
  return raise_with(error, PyUnicode_FromFormat("%S: %lld bytes at %lld: %s", window->name, length,
                                                offset, kmapper_strerror(error)));
}

void free_object(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

static PyTypeObject* add_type(PyObject* module, PyType_Spec* spec) {
  PyObject* type = PyType_FromSpec(spec);
  if (type != NULL && PyModule_AddType(module, (PyTypeObject*)type) != 0) Py_CLEAR(type);
  return (PyTypeObject*)type;
}

static int fill_in(PyObject* module) {
  error_type = PyErr_NewExceptionWithDoc(
      "kmapper.Error",
      "What the library refuses, in one line. `status` is a word for it, as in kmapper.h:\n"
      "'beyond_end', 'too_large', 'would_deadlock', 'cut_short', 'forked' and so on.\n"
      "What the system refuses is an OSError.",
      NULL, NULL);
  if (error_type == NULL || PyModule_AddObjectRef(module, "Error", error_type) != 0) return -1;
  budget_type = add_type(module, &budget_spec);
  window_type = add_type(module, &window_spec);
  mapping_type = add_type(module, &mapping_spec);
  if (budget_type == NULL || window_type == NULL || mapping_type == NULL) return -1;
  return PyModule_AddStringConstant(module, "__version__", kmapper_version());
}

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "kmapper._kmapper",
    .m_size = -1,
};

PyMODINIT_FUNC PyInit__kmapper(void) {
  PyObject* module = PyModule_Create(&definition);
  if (module != NULL && fill_in(module) != 0) Py_CLEAR(module);
  return module;
}
