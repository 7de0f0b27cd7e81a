/* kmapper.Mapping: a part of a file as a buffer. Its range stays mapped until the mapping is closed
 * and the last buffer of it is released, whichever comes later: a memoryview or an array of numpy
 * never points to what is no longer mapped.
 */
#include "module.h"

typedef struct Mapping {
  PyObject_HEAD Window* window;
  kmapper_mapping mapping; /* zeros when it is given back */
  long long offset;
  Py_ssize_t length;
  Py_ssize_t buffers; /* that were exported, and not yet released */
  char is_closed;
} Mapping;

PyObject* mapping_make(Window* window, long long offset, long long length) {
  Mapping* const self = (Mapping*)PyType_GenericAlloc(mapping_type, 0);
  if (self == NULL) return NULL;
  Py_INCREF((PyObject*)window);
  self->window = window;
  self->offset = offset;
  self->length = (Py_ssize_t)length;
  if (window_enter(window) == 0) {
    if (window_map_range(window, offset, length, &self->mapping) == 0) return (PyObject*)self;
    window_leave(window);
  }
  Py_DECREF((PyObject*)self);
  return NULL;
}

static void give_back(Mapping* self) {
  if (self->mapping.data == NULL) return;
  kmapper_mapping_release(&self->mapping);
  window_leave(self->window);
}

static void mapping_dealloc(PyObject* object) {
  Mapping* const self = (Mapping*)object;
  give_back(self);
  Py_DECREF((PyObject*)self->window);
  free_object(object);
}

static int get_buffer(PyObject* object, Py_buffer* view, int flags) {
  Mapping* const self = (Mapping*)object;
  if (self->is_closed) {
    view->obj = NULL;
    PyErr_Format(PyExc_ValueError, "%S: %zd bytes at %lld: the mapping is closed",
                 self->window->name, self->length, self->offset);
    return -1;
  }
  if (PyBuffer_FillInfo(view, object, self->mapping.data, self->length, !self->window->is_writable,
                        flags) != 0)
    return -1;
  ++self->buffers;
  return 0;
}

static void release_buffer(PyObject* object, Py_buffer* view) {
  (void)view;
  Mapping* const self = (Mapping*)object;
  if (--self->buffers == 0 && self->is_closed) give_back(self);
}

static PyObject* mapping_check(PyObject* object, PyObject* unused) {
  (void)unused;
  Mapping* const self = (Mapping*)object;
  const int fault = kmapper_mapping_fault(&self->mapping);
  if (fault != 0) return raise_fault(self->window, self->offset, self->length, fault);
  Py_RETURN_NONE;
}

static PyObject* mapping_close(PyObject* object, PyObject* unused) {
  Mapping* const self = (Mapping*)object;
  PyObject* const result = self->is_closed ? Py_NewRef(Py_None) : mapping_check(object, unused);
  self->is_closed = 1;
  if (self->buffers == 0) give_back(self);
  return result;
}

static PyObject* mapping_enter(PyObject* object, PyObject* unused) {
  (void)unused;
  return Py_NewRef(object);
}

static PyObject* mapping_exit(PyObject* object, PyObject* raised) {
  PyObject* const result = mapping_close(object, NULL);
  if (result != NULL || PyTuple_GetItem(raised, 0) == Py_None) return result;
  PyErr_Clear(); /* the exception of the block says more */
  Py_RETURN_NONE;
}

static Py_ssize_t mapping_length(PyObject* object) { return ((Mapping*)object)->length; }

static PyMethodDef methods[] = {
    {"close", mapping_close, METH_NOARGS,
     "close($self)\n--\n\nGives the range back as soon as no buffer of it is left, as `with` "
     "does.\n"
     "Raises what check() raises."},
    {"check", mapping_check, METH_NOARGS,
     "check($self)\n--\n\nRaises an exception if an access to the mapping has failed: the file "
     "was\n"
     "cut short, the disk is full or cannot be read. The page shows zeros since then."},
    {"__enter__", mapping_enter, METH_NOARGS, NULL},
    {"__exit__", mapping_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc,
     "A part of a file, mapped: see Window.map(). memoryview(mapping), or numpy.frombuffer(),\n"
     "shows its bytes."},
    {Py_tp_dealloc, mapping_dealloc},
    {Py_tp_methods, methods},
    {Py_sq_length, mapping_length},
    {Py_bf_getbuffer, get_buffer},
    {Py_bf_releasebuffer, release_buffer},
    {0, NULL},
};
PyType_Spec mapping_spec = {
    .name = "kmapper.Mapping",
    .basicsize = sizeof(Mapping),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
