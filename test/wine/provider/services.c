/* IWbemServices, the rows of a query, and results that are waited for. */
#include "provider.h"
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define NOT (void *)not_here
#define SAME_ID(id, own) (IsEqualIID(id, &IID_IUnknown) || IsEqualIID(id, &own))

/* Waits until `due` (ticks), at most so long as the caller gives. */
static bool waited(ULONGLONG due, LONG timeout) {
  ULONGLONG now = GetTickCount64();
  if (now >= due) return true;
  ULONGLONG left = due - now;
  if (timeout == WBEM_INFINITE || left <= (ULONG)timeout) {
    Sleep((DWORD)left);
    return true;
  }
  Sleep((DWORD)timeout);
  return false;
}

/* ---- IEnumWbemClassObject ---- */

typedef struct {
  IEnumWbemClassObject interface_;
  LONG refs;
  WCHAR *name_space;
  Query *query;
  HRESULT first;
  Fixture *fixture;
  Class *class;
  Properties properties;
  int *indices;
  UINT state, at, made, given;
  ULONGLONG due;
  UINT due_for;
  IWbemClassObject *single; /* the counters: one row that no fixture has */
} Rows;

static HRESULT counters(const WCHAR *name_space, IWbemClassObject **object);

static HRESULT WINAPI rows_query_interface(IEnumWbemClassObject *this, REFIID id, void **out) {
  *out = NULL;
  if (!SAME_ID(id, IID_IEnumWbemClassObject)) return E_NOINTERFACE;
  *out = this;
  IEnumWbemClassObject_AddRef(this);
  return S_OK;
}
static ULONG WINAPI rows_add_ref(IEnumWbemClassObject *this) { return InterlockedIncrement(&((Rows *)this)->refs); }
static ULONG WINAPI rows_release(IEnumWbemClassObject *this) {
  Rows *rows = (Rows *)this;
  LONG refs = InterlockedDecrement(&rows->refs);
  if (refs) return refs;
  if (rows->single) IWbemClassObject_Release(rows->single);
  free_properties(&rows->properties);
  free(rows->indices);
  free(rows->name_space);
  free_query(rows->query);
  release_fixture(rows->fixture);
  free(rows);
  InterlockedDecrement(&live_objects);
  return 0;
}

static const Row *next_row(Rows *rows) {
  Fixture *fixture = rows->fixture;
  UINT own = rows->class ? (UINT)(rows->class - fixture->classes) : 0;
  for (; rows->class && rows->at < fixture->rows_count; rows->at++) {
    const Row *row = &fixture->rows[rows->at];
    if (row->state != rows->state || row->class_index != own || !row_fits(rows->query, rows->class, row)) continue;
    /* A generated class repeats its first row, each with a key of its own. */
    if (rows->class->generated && rows->made++ < rows->class->generated) return row;
    if (rows->class->generated) return NULL;
    rows->at++;
    return row;
  }
  return NULL;
}

static IWbemClassObject *object_for(Rows *rows, const Row *row) {
  Object *object = new_object(rows->name_space, rows->class->name, &rows->properties, true);
  for (UINT i = 0; i < rows->properties.count; i++) {
    const Cell *cell = &row->cells[rows->indices[i]];
    WCHAR number[16];
    Text text = {number, 0};
    Cell key = {false, 1, &text};
    if (rows->class->generated && rows->properties.list[i].key) {
      text.length = wsprintfW(number, L"%08x", rows->made);
      cell = &key;
    }
    set_value(object, (int)i, cell);
  }
  return object_interface(object);
}

static HRESULT WINAPI rows_next(IEnumWbemClassObject *this, LONG timeout, ULONG count, IWbemClassObject **objects, ULONG *returned) {
  Rows *rows = (Rows *)this;
  *returned = 0;
  if (FAILED(rows->first)) return rows->first;
  if (rows->single && count) {
    objects[(*returned)++] = rows->single;
    rows->single = NULL;
  }
  while (*returned < count) {
    DWORD delay = 0;
    HRESULT fault = rows->class ? fault_at(rows->fixture, L"next", rows->class->name, rows->given, &delay) : S_OK;
    if (delay && rows->due_for != rows->given + 1) {
      rows->due = GetTickCount64() + delay;
      rows->due_for = rows->given + 1;
    }
    if (delay && !waited(rows->due, timeout)) return WBEM_S_TIMEDOUT;
    if (FAILED(fault)) return fault;
    const Row *row = next_row(rows);
    if (!row) return WBEM_S_FALSE;
    rows->given++;
    objects[(*returned)++] = object_for(rows, row);
  }
  return WBEM_S_NO_ERROR;
}

static IEnumWbemClassObjectVtbl rows_table = {rows_query_interface, rows_add_ref, rows_release, NOT, rows_next, NOT, NOT, NOT};

HRESULT new_rows(const WCHAR *name_space, Query *query, HRESULT first, LONG flags, Fixture *fixture, IEnumWbemClassObject **out) {
  Rows *rows = calloc(1, sizeof *rows);
  rows->interface_.lpVtbl = &rows_table;
  rows->refs = 1;
  rows->name_space = copy_text(name_space);
  rows->query = query;
  rows->first = first;
  rows->fixture = fixture;
  InterlockedIncrement(&fixture->refs);
  rows->state = fixture->state;
  if (SUCCEEDED(first) && !_wcsicmp(query_class(query), L"FixtureCounters"))
    counters(name_space, &rows->single);
  else if (SUCCEEDED(first)) {
    rows->class = find_class(fixture, name_space, query_class(query));
    selected(query, rows->class, &rows->properties, &rows->indices);
  }
  InterlockedIncrement(&live_objects);
  *out = &rows->interface_;
  return S_OK;
}

/* ---- IWbemCallResult ---- */

typedef struct {
  IWbemCallResult interface_;
  LONG refs;
  IWbemClassObject *object;
  HRESULT status;
  ULONGLONG due;
} Result;

static HRESULT WINAPI result_query_interface(IWbemCallResult *this, REFIID id, void **out) {
  *out = NULL;
  if (!SAME_ID(id, IID_IWbemCallResult)) return E_NOINTERFACE;
  *out = this;
  IWbemCallResult_AddRef(this);
  return S_OK;
}
static ULONG WINAPI result_add_ref(IWbemCallResult *this) { return InterlockedIncrement(&((Result *)this)->refs); }
static ULONG WINAPI result_release(IWbemCallResult *this) {
  Result *result = (Result *)this;
  LONG refs = InterlockedDecrement(&result->refs);
  if (refs) return refs;
  if (result->object) IWbemClassObject_Release(result->object);
  free(result);
  InterlockedDecrement(&live_objects);
  return 0;
}
static HRESULT WINAPI result_object(IWbemCallResult *this, LONG timeout, IWbemClassObject **object) {
  Result *result = (Result *)this;
  *object = NULL;
  if (!waited(result->due, timeout)) return WBEM_S_TIMEDOUT;
  if (FAILED(result->status)) return result->status;
  if (!result->object) return WBEM_E_INVALID_OPERATION;
  IWbemClassObject_AddRef(result->object);
  *object = result->object;
  return S_OK;
}
static HRESULT WINAPI result_status(IWbemCallResult *this, LONG timeout, LONG *status) {
  Result *result = (Result *)this;
  if (!waited(result->due, timeout)) return WBEM_S_TIMEDOUT;
  *status = result->status;
  return S_OK;
}
static IWbemCallResultVtbl result_table = {result_query_interface, result_add_ref, result_release, result_object, NOT, NOT, result_status};

HRESULT new_result(IWbemClassObject *object, HRESULT status, DWORD delay, IWbemCallResult **out) {
  Result *result = calloc(1, sizeof *result);
  result->interface_.lpVtbl = &result_table;
  result->refs = 1;
  result->object = object;
  result->status = status;
  result->due = GetTickCount64() + delay;
  InterlockedIncrement(&live_objects);
  *out = &result->interface_;
  return S_OK;
}

/* ---- IWbemServices ---- */

typedef struct {
  IWbemServices interface_;
  LONG refs;
  WCHAR *name_space;
} Services;

static HRESULT WINAPI query_interface(IWbemServices *this, REFIID id, void **out) {
  *out = NULL;
  if (!SAME_ID(id, IID_IWbemServices)) return E_NOINTERFACE;
  *out = this;
  IWbemServices_AddRef(this);
  return S_OK;
}
static ULONG WINAPI add_ref(IWbemServices *this) { return InterlockedIncrement(&((Services *)this)->refs); }
static ULONG WINAPI release(IWbemServices *this) {
  Services *services = (Services *)this;
  LONG refs = InterlockedDecrement(&services->refs);
  if (refs) return refs;
  free(services->name_space);
  free(services);
  InterlockedDecrement(&live_objects);
  return 0;
}

/* A path: the class, and the keys that it names. `Class="x"` and `Class=@` have a key without a name. */
typedef struct {
  WCHAR class_name[128];
  UINT count;
  struct {
    WCHAR name[128], value[512];
  } keys[8];
} Path;

static bool parse_path(const WCHAR *text, Path *path) {
  memset(path, 0, sizeof *path);
  if (text[0] == '\\') {
    text = wcschr(text, ':');
    if (!text) return false;
    text++;
  }
  UINT length = (UINT)wcscspn(text, L".=");
  if (!length || length >= 128) return false;
  memcpy(path->class_name, text, length * sizeof(WCHAR));
  text += length;
  if (!*text) return true;
  if (!wcscmp(text, L"=@")) return true;
  if (*text == '.') text++;
  while (path->count < 8) {
    WCHAR *to = path->keys[path->count].name, *end = to + 127;
    while (*text && *text != '=' && to < end) *to++ = *text++;
    if (*text++ != '=') return false;
    to = path->keys[path->count].value, end = to + 511;
    if (*text == '"' || *text == '\'') {
      WCHAR quote = *text++;
      while (*text && *text != quote && to < end) {
        if (*text == '\\' && text[1]) text++;
        *to++ = *text++;
      }
      if (*text++ != quote) return false;
    } else
      while (*text && *text != ',' && to < end) *to++ = *text++;
    path->count++;
    if (!*text) return true;
    if (*text++ != ',') return false;
  }
  return false;
}

static const Row *row_at(Fixture *fixture, Class *class, const Path *path) {
  const Row *only = NULL;
  UINT keys = 0, rows = 0;
  for (UINT i = 0; i < class->properties.count; i++) keys += class->properties.list[i].key;
  if (path->count && path->count != keys) return NULL;
  for (UINT i = 0; i < fixture->rows_count; i++) {
    const Row *row = &fixture->rows[i];
    if (row->state != fixture->state || &fixture->classes[row->class_index] != class) continue;
    rows++;
    only = row;
    bool fits = path->count > 0;
    for (UINT k = 0; k < path->count && fits; k++) {
      int index = -1;
      if (path->keys[k].name[0])
        index = find_property(&class->properties, path->keys[k].name);
      else
        for (UINT p = 0; p < class->properties.count; p++)
          if (class->properties.list[p].key) index = (int)p;
      fits = index >= 0 && class->properties.list[index].key && !row->cells[index].null &&
             !_wcsicmp(row->cells[index].items[0].text, path->keys[k].value);
    }
    if (fits) return row;
  }
  return !path->count && rows == 1 ? only : NULL;
}

static HRESULT finish(HRESULT result, IWbemClassObject *object, DWORD delay, LONG flags, IWbemClassObject **out, IWbemCallResult **call) {
  if (flags & WBEM_FLAG_RETURN_IMMEDIATELY) {
    if (call) return new_result(object, result, delay, call);
    if (object) IWbemClassObject_Release(object);
    return WBEM_E_INVALID_PARAMETER;
  }
  if (delay) Sleep(delay);
  if (out)
    *out = object;
  else if (object)
    IWbemClassObject_Release(object);
  return result;
}

static HRESULT WINAPI get_object(IWbemServices *this, const BSTR text, LONG flags, IWbemContext *context, IWbemClassObject **out,
                                 IWbemCallResult **call) {
  Services *services = (Services *)this;
  if (out) *out = NULL;
  if (call) *call = NULL;
  Fixture *fixture = current_fixture();
  if (!fixture) return WBEM_E_PROVIDER_LOAD_FAILURE;
  Path path;
  DWORD delay = 0;
  Object *object = NULL;
  HRESULT result = text && parse_path(text, &path) ? S_OK : WBEM_E_INVALID_OBJECT_PATH;
  Class *class = SUCCEEDED(result) ? find_class(fixture, services->name_space, path.class_name) : NULL;
  if (SUCCEEDED(result)) result = fault_at(fixture, L"get", path.class_name, COUNTED, &delay);
  if (SUCCEEDED(result) && !class) result = WBEM_E_NOT_FOUND;
  if (SUCCEEDED(result) && wcspbrk(text + (text[0] == '\\' ? 2 : 0), L"=")) {
    const Row *row = row_at(fixture, class, &path);
    if (row) {
      object = new_object(services->name_space, class->name, &class->properties, true);
      for (UINT i = 0; i < class->properties.count; i++) set_value(object, (int)i, &row->cells[i]);
    } else
      result = WBEM_E_NOT_FOUND;
  } else if (SUCCEEDED(result)) {
    object = new_object(services->name_space, class->name, &class->properties, false);
    object_class(object, fixture, class);
  }
  record_start();
  record_text("op", L"get");
  record_text("path", text);
  record_number("result", (UINT)result);
  record_end();
  release_fixture(fixture);
  return finish(result, object ? object_interface(object) : NULL, delay, flags, out, call);
}

/* What is alive, as a class: for tests that everything is given back. */
static HRESULT counters(const WCHAR *name_space, IWbemClassObject **object) {
  static Property list[] = {{L"Objects", CIM_UINT32, false}, {L"Blocks", CIM_UINT32, false}};
  Properties properties = {2, 2, list};
  LONG objects = live_objects, blocks = live_blocks;
  Object *made = new_object(name_space, L"FixtureCounters", &properties, true);
  VARIANT value;
  V_VT(&value) = VT_I4;
  V_I4(&value) = objects;
  IWbemClassObject_Put(object_interface(made), L"Objects", 0, &value, 0);
  V_I4(&value) = blocks;
  IWbemClassObject_Put(object_interface(made), L"Blocks", 0, &value, 0);
  *object = object_interface(made);
  return S_OK;
}

static HRESULT WINAPI exec_query(IWbemServices *this, const BSTR language, const BSTR text, LONG flags, IWbemContext *context,
                                 IEnumWbemClassObject **out) {
  Services *services = (Services *)this;
  *out = NULL;
  if (!language || _wcsicmp(language, L"WQL")) return WBEM_E_INVALID_QUERY_TYPE;
  Fixture *fixture = current_fixture();
  if (!fixture) return WBEM_E_PROVIDER_LOAD_FAILURE;
  Query *query = NULL;
  HRESULT result = text ? parse_query(text, &query) : WBEM_E_INVALID_QUERY;
  if (SUCCEEDED(result)) result = fault_at(fixture, L"query", query_class(query), COUNTED, NULL);
  /* What a provider would find out is told with the first row where the caller did not want to wait (as Windows does). */
  HRESULT first = S_OK;
  if (SUCCEEDED(result) && _wcsicmp(query_class(query), L"FixtureCounters")) {
    Class *class = find_class(fixture, services->name_space, query_class(query));
    first = class ? check_query(query, class) : WBEM_E_INVALID_CLASS;
    if (FAILED(first) && !(flags & WBEM_FLAG_RETURN_IMMEDIATELY)) result = first;
  }
  record_start();
  record_text("op", L"query");
  record_text("query", text);
  record_number("result", (UINT)(FAILED(result) ? result : first));
  record_end();
  if (SUCCEEDED(result))
    result = new_rows(services->name_space, query, first, flags, fixture, out);
  else
    free_query(query);
  release_fixture(fixture);
  return result;
}

static const Answer *answer_for(Fixture *fixture, const Class *class, const Method *method, const Path *path) {
  for (UINT i = 0; i < fixture->answers_count; i++) {
    const Answer *answer = &fixture->answers[i];
    if (answer->state == fixture->state && !_wcsicmp(answer->class_name, class->name) && !_wcsicmp(answer->method, method->name) &&
        (!answer->key || (path->count && !_wcsicmp(answer->key, path->keys[0].value))))
      return answer;
  }
  return NULL;
}

static bool whole(const Method *method, Object *input) {
  for (UINT i = 0; i < method->in.count; i++) {
    VARIANT value;
    if (!input || FAILED(object_get(input, method->in.list[i].name, &value, NULL))) return false;
    bool missing = V_VT(&value) == VT_NULL;
    VariantClear(&value);
    if (missing) return false;
  }
  return true;
}

static Object *output(const WCHAR *name_space, const Method *method, const Answer *answer) {
  Object *object = new_object(name_space, L"__PARAMETERS", &method->out, true);
  for (UINT i = 0; i < answer->outs_count; i++) {
    int index = find_property(&method->out, answer->outs[i].name);
    Cell cell = {false, 1, &answer->outs[i].value};
    if (index >= 0) set_value(object, index, &cell);
  }
  return object;
}

static HRESULT WINAPI exec_method(IWbemServices *this, const BSTR text, const BSTR name, LONG flags, IWbemContext *context,
                                  IWbemClassObject *in, IWbemClassObject **out, IWbemCallResult **call) {
  Services *services = (Services *)this;
  if (out) *out = NULL;
  if (call) *call = NULL;
  if (!text || !name) return WBEM_E_INVALID_PARAMETER;
  Fixture *fixture = current_fixture();
  if (!fixture) return WBEM_E_PROVIDER_LOAD_FAILURE;
  EnterCriticalSection(&lock);
  Path path;
  DWORD delay = 0, lost_delay = 0;
  HRESULT result = parse_path(text, &path) ? S_OK : WBEM_E_INVALID_OBJECT_PATH;
  Class *class = SUCCEEDED(result) ? find_class(fixture, services->name_space, path.class_name) : NULL;
  Method *method = NULL;
  if (SUCCEEDED(result) && !class) result = WBEM_E_NOT_FOUND;
  for (UINT i = 0; class && i < class->methods_count; i++)
    if (!_wcsicmp(class->methods[i].name, name)) method = &class->methods[i];
  if (SUCCEEDED(result) && !method) result = WBEM_E_INVALID_METHOD;
  /* Only a method of the class itself takes the class; on a path without keys Windows does not choose an instance. */
  if (SUCCEEDED(result) && !method->is_static && !wcschr(text, '=')) result = WBEM_E_INVALID_METHOD_PARAMETERS;
  if (SUCCEEDED(result) && !method->is_static && !row_at(fixture, class, &path)) result = WBEM_E_NOT_FOUND;
  if (SUCCEEDED(result) && !whole(method, in ? object_of(in) : NULL)) result = WBEM_E_INVALID_METHOD_PARAMETERS;
  if (SUCCEEDED(result)) result = fault_at(fixture, L"method", name, COUNTED, &delay);
  UINT before = fixture->state;
  const Answer *answer = SUCCEEDED(result) ? answer_for(fixture, class, method, &path) : NULL;
  if (SUCCEEDED(result)) result = answer ? answer->result : WBEM_E_FAILED;
  IWbemClassObject *object = NULL;
  if (answer) {
    if (SUCCEEDED(result)) object = object_interface(output(services->name_space, method, answer));
    go_to_state(fixture, answer->next);
    HRESULT lost = fault_at(fixture, L"lost", name, COUNTED, &lost_delay);
    if (FAILED(lost)) {
      if (object) IWbemClassObject_Release(object);
      object = NULL;
      result = lost;
    }
  }
  record_start();
  record_text("op", L"method");
  record_text("class", class ? class->name : path.class_name);
  record_text("path", text);
  record_text("key", path.count ? path.keys[0].value : NULL);
  record_text("method", name);
  record_arguments(in ? object_of(in) : NULL);
  record_number("state", before);
  record_number("next", fixture->state);
  record_text("scripted", answer ? L"yes" : NULL);
  record_number("result", (UINT)result);
  record_end();
  LeaveCriticalSection(&lock);
  release_fixture(fixture);
  return finish(result, object, delay + lost_delay, flags, out, call);
}

static IWbemServicesVtbl table = {
    query_interface, add_ref, release, NOT, NOT, NOT, get_object, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
    NOT, NOT, NOT, NOT, NOT, NOT, exec_query, NOT, NOT, NOT, exec_method, NOT,
};

HRESULT new_services(const WCHAR *name_space, IWbemServices **out) {
  Services *services = calloc(1, sizeof *services);
  services->interface_.lpVtbl = &table;
  services->refs = 1;
  services->name_space = copy_text(name_space);
  InterlockedIncrement(&live_objects);
  *out = &services->interface_;
  return S_OK;
}
