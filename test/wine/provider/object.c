/* IWbemClassObject: a row, a class, the arguments of a method or its answer. */
#include "provider.h"
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

struct Object {
  IWbemClassObject interface_;
  LONG refs;
  WCHAR *name_space, *class_name;
  Properties properties;
  VARIANT *values;
  bool instance;
  int at;
  /* Of a class: where its methods are. */
  Fixture *fixture;
  Class *class;
};

HRESULT not_here(void) { return E_NOTIMPL; }

const Properties *object_properties(Object *object) { return &object->properties; }
IWbemClassObject *object_interface(Object *object) { return &object->interface_; }
Object *object_of(IWbemClassObject *interface_) { return (Object *)interface_; }

static HRESULT WINAPI query_interface(IWbemClassObject *this, REFIID id, void **out) {
  *out = NULL;
  if (!IsEqualIID(id, &IID_IUnknown) && !IsEqualIID(id, &IID_IWbemClassObject)) return E_NOINTERFACE;
  *out = this;
  IWbemClassObject_AddRef(this);
  return S_OK;
}

static ULONG WINAPI add_ref(IWbemClassObject *this) { return InterlockedIncrement(&object_of(this)->refs); }

static ULONG WINAPI release(IWbemClassObject *this) {
  Object *object = object_of(this);
  LONG refs = InterlockedDecrement(&object->refs);
  if (refs) return refs;
  for (UINT i = 0; i < object->properties.count; i++) VariantClear(&object->values[i]);
  free(object->values);
  free_properties(&object->properties);
  free(object->name_space);
  free(object->class_name);
  release_fixture(object->fixture);
  free(object);
  InterlockedDecrement(&live_objects);
  return 0;
}

/* How automation holds a CIM type (Microsoft: numbers of 64 bits are texts, and unsigned ones of 32 bits are VT_I4). */
static VARTYPE held_as(CIMTYPE type) {
  switch (type & ~CIM_FLAG_ARRAY) {
    case CIM_BOOLEAN: return VT_BOOL;
    case CIM_UINT8: return VT_UI1;
    case CIM_SINT8:
    case CIM_SINT16: return VT_I2;
    case CIM_UINT16:
    case CIM_UINT32:
    case CIM_SINT32: return VT_I4;
    case CIM_REAL32: return VT_R4;
    case CIM_REAL64: return VT_R8;
    default: return VT_BSTR;
  }
}

static void one_value(VARTYPE type, const Text *text, void *to) {
  switch (type) {
    case VT_BOOL: *(VARIANT_BOOL *)to = wcscmp(text->text, L"true") ? VARIANT_FALSE : VARIANT_TRUE; break;
    case VT_UI1: *(BYTE *)to = (BYTE)wcstoul(text->text, NULL, 10); break;
    case VT_I2: *(SHORT *)to = (SHORT)wcstol(text->text, NULL, 10); break;
    case VT_I4: *(LONG *)to = (LONG)wcstoull(text->text, NULL, 10); break;
    case VT_R4: *(FLOAT *)to = (FLOAT)wcstod(text->text, NULL); break;
    case VT_R8: *(DOUBLE *)to = wcstod(text->text, NULL); break;
    default: *(BSTR *)to = SysAllocStringLen(text->text, text->length);
  }
}

HRESULT text_to_variant(CIMTYPE type, const Cell *cell, VARIANT *value) {
  VariantInit(value);
  VARTYPE held = held_as(type);
  if (cell->null) {
    V_VT(value) = VT_NULL;
    return S_OK;
  }
  if (!(type & CIM_FLAG_ARRAY)) {
    V_VT(value) = held;
    one_value(held, &cell->items[0], &V_I8(value));
    return S_OK;
  }
  SAFEARRAY *array = SafeArrayCreateVector(held, 0, cell->count);
  if (!array) return E_OUTOFMEMORY;
  char *data;
  SafeArrayAccessData(array, (void **)&data);
  for (UINT i = 0; i < cell->count; i++) one_value(held, &cell->items[i], data + i * SafeArrayGetElemsize(array));
  SafeArrayUnaccessData(array);
  V_VT(value) = VT_ARRAY | held;
  V_ARRAY(value) = array;
  return S_OK;
}

void set_value(Object *object, int index, const Cell *cell) {
  VariantClear(&object->values[index]);
  text_to_variant(object->properties.list[index].type, cell, &object->values[index]);
}

/* `Class.Key="value"`, or with server and namespace; empty where a key was not selected. */
void make_path(Object *object, WCHAR *path, UINT room, bool whole) {
  path[0] = 0;
  WCHAR keys[1024] = L"";
  UINT count = 0;
  for (UINT i = 0; object->instance && i < object->properties.count; i++) {
    if (!object->properties.list[i].key) continue;
    VARIANT *value = &object->values[i];
    WCHAR number[16];
    const WCHAR *text = number;
    if (V_VT(value) == VT_BSTR)
      text = V_BSTR(value);
    else
      wsprintfW(number, L"%d", V_I4(value));
    if (wcslen(keys) + wcslen(text) + 80 > 1024) return;
    wcscat(keys, count++ ? L"," : L".");
    wcscat(keys, object->properties.list[i].name);
    wcscat(keys, L"=\"");
    for (WCHAR *end = keys + wcslen(keys); *text; *end = 0) {
      if (*text == '\\' || *text == '"') *end++ = '\\';
      *end++ = *text++;
    }
    wcscat(keys, L"\"");
  }
  if (object->instance && !count) return;
  if (wcslen(keys) + wcslen(object->name_space) + wcslen(object->class_name) + 32 > room) return;
  if (whole) {
    wcscpy(path, L"\\\\FIXTURE\\");
    wcscat(path, object->name_space);
    wcscat(path, L":");
  }
  wcscat(path, object->class_name);
  wcscat(path, keys);
}

static const WCHAR *const system_names[] = {L"__GENUS",          L"__CLASS",     L"__SUPERCLASS", L"__DYNASTY",   L"__RELPATH",
                                            L"__PROPERTY_COUNT", L"__DERIVATION", L"__SERVER",     L"__NAMESPACE", L"__PATH"};
#define SYSTEM_COUNT (sizeof system_names / sizeof *system_names)

static HRESULT system_value(Object *object, const WCHAR *name, VARIANT *value, CIMTYPE *type) {
  WCHAR path[2048];
  const WCHAR *text = NULL;
  if (type) *type = CIM_STRING;
  if (!_wcsicmp(name, L"__GENUS") || !_wcsicmp(name, L"__PROPERTY_COUNT")) {
    if (type) *type = CIM_SINT32;
    if (!value) return S_OK;
    V_VT(value) = VT_I4;
    V_I4(value) = !_wcsicmp(name, L"__GENUS") ? (object->instance ? 2 : 1) : (LONG)object->properties.count;
    return S_OK;
  }
  if (!_wcsicmp(name, L"__DERIVATION")) {
    if (type) *type = CIM_STRING | CIM_FLAG_ARRAY;
    if (!value) return S_OK;
    V_VT(value) = VT_ARRAY | VT_BSTR;
    V_ARRAY(value) = SafeArrayCreateVector(VT_BSTR, 0, 0);
    return S_OK;
  }
  if (!_wcsicmp(name, L"__CLASS") || !_wcsicmp(name, L"__DYNASTY"))
    text = object->class_name;
  else if (!_wcsicmp(name, L"__SERVER"))
    text = L"FIXTURE";
  else if (!_wcsicmp(name, L"__NAMESPACE"))
    text = object->name_space;
  else if (!_wcsicmp(name, L"__RELPATH") || !_wcsicmp(name, L"__PATH")) {
    make_path(object, path, 2048, !_wcsicmp(name, L"__PATH"));
    text = path[0] ? path : NULL;
  } else if (_wcsicmp(name, L"__SUPERCLASS"))
    return WBEM_E_NOT_FOUND;
  if (!value) return S_OK;
  V_VT(value) = text ? VT_BSTR : VT_NULL;
  if (text) V_BSTR(value) = SysAllocString(text);
  return S_OK;
}

HRESULT object_get(Object *object, const WCHAR *name, VARIANT *value, CIMTYPE *type) {
  if (!name) return WBEM_E_INVALID_PARAMETER;
  if (name[0] == '_' && name[1] == '_') return system_value(object, name, value, type);
  int index = find_property(&object->properties, name);
  if (index < 0) return WBEM_E_NOT_FOUND;
  if (type) *type = object->properties.list[index].type;
  if (!value) return S_OK;
  VariantInit(value);
  return VariantCopy(value, &object->values[index]);
}

static HRESULT WINAPI get(IWbemClassObject *this, LPCWSTR name, LONG flags, VARIANT *value, CIMTYPE *type, LONG *flavor) {
  if (flags) return WBEM_E_INVALID_PARAMETER;
  if (flavor) *flavor = name && name[0] == '_' ? WBEM_FLAVOR_ORIGIN_SYSTEM : WBEM_FLAVOR_ORIGIN_LOCAL;
  return object_get(object_of(this), name, value, type);
}

/* Strict: the type that automation holds this CIM type as, or VT_UI4 for uint32; what Windows would coerce is refused. */
static HRESULT WINAPI put(IWbemClassObject *this, LPCWSTR name, LONG flags, VARIANT *value, CIMTYPE type) {
  Object *object = object_of(this);
  if (!name || flags) return WBEM_E_INVALID_PARAMETER;
  int index = find_property(&object->properties, name);
  if (index < 0) return WBEM_E_NOT_FOUND;
  CIMTYPE declared = object->properties.list[index].type;
  if (type && type != declared) return WBEM_E_TYPE_MISMATCH;
  if (value && V_VT(value) != VT_NULL) {
    VARTYPE held = held_as(declared) | (declared & CIM_FLAG_ARRAY ? VT_ARRAY : 0);
    if (V_VT(value) != held && !(declared == CIM_UINT32 && V_VT(value) == VT_UI4)) return WBEM_E_TYPE_MISMATCH;
  }
  VariantClear(&object->values[index]);
  if (!value) {
    V_VT(&object->values[index]) = VT_NULL;
    return S_OK;
  }
  return VariantCopy(&object->values[index], value);
}

static bool with_system(LONG flags) { return !(flags & WBEM_FLAG_NONSYSTEM_ONLY) || (flags & WBEM_FLAG_SYSTEM_ONLY) == WBEM_FLAG_SYSTEM_ONLY; }
static bool with_own(LONG flags) { return (flags & 0x70) != WBEM_FLAG_SYSTEM_ONLY; }

static HRESULT WINAPI get_names(IWbemClassObject *this, LPCWSTR qualifier, LONG flags, VARIANT *qualifier_value, SAFEARRAY **names) {
  Object *object = object_of(this);
  if (qualifier || !names || (flags & 0xf)) return WBEM_E_INVALID_PARAMETER;
  UINT system = with_system(flags) ? SYSTEM_COUNT : 0, own = with_own(flags) ? object->properties.count : 0;
  SAFEARRAY *array = SafeArrayCreateVector(VT_BSTR, 0, system + own);
  if (!array) return WBEM_E_OUT_OF_MEMORY;
  BSTR *list;
  SafeArrayAccessData(array, (void **)&list);
  for (UINT i = 0; i < system; i++) list[i] = SysAllocString(system_names[i]);
  for (UINT i = 0; i < own; i++) list[system + i] = SysAllocString(object->properties.list[i].name);
  SafeArrayUnaccessData(array);
  *names = array;
  return S_OK;
}

static HRESULT WINAPI begin_enumeration(IWbemClassObject *this, LONG flags) {
  object_of(this)->at = with_system(flags) ? -(int)SYSTEM_COUNT : 0;
  return S_OK;
}

static HRESULT WINAPI next(IWbemClassObject *this, LONG flags, BSTR *name, VARIANT *value, CIMTYPE *type, LONG *flavor) {
  Object *object = object_of(this);
  if (object->at >= (int)object->properties.count) return WBEM_S_NO_MORE_DATA;
  const WCHAR *found = object->at < 0 ? system_names[object->at + SYSTEM_COUNT] : object->properties.list[object->at].name;
  object->at++;
  if (name) *name = SysAllocString(found);
  return get(this, found, 0, value, type, flavor);
}

static HRESULT WINAPI end_enumeration(IWbemClassObject *this) { return S_OK; }

static HRESULT WINAPI spawn_instance(IWbemClassObject *this, LONG flags, IWbemClassObject **out) {
  Object *object = object_of(this);
  if (!out) return WBEM_E_INVALID_PARAMETER;
  if (object->instance) return WBEM_E_INVALID_OPERATION;
  *out = object_interface(new_object(object->name_space, object->class_name, &object->properties, true));
  return S_OK;
}

static HRESULT WINAPI get_method(IWbemClassObject *this, LPCWSTR name, LONG flags, IWbemClassObject **in, IWbemClassObject **out) {
  Object *object = object_of(this);
  if (in) *in = NULL;
  if (out) *out = NULL;
  if (!object->class || object->instance) return WBEM_E_ILLEGAL_OPERATION;
  for (UINT i = 0; i < object->class->methods_count; i++) {
    Method *method = &object->class->methods[i];
    if (_wcsicmp(method->name, name)) continue;
    if (in && method->in.count) *in = object_interface(new_object(object->name_space, L"__PARAMETERS", &method->in, false));
    if (out) *out = object_interface(new_object(object->name_space, L"__PARAMETERS", &method->out, false));
    return S_OK;
  }
  return WBEM_E_NOT_FOUND;
}

#define NOT (void *)not_here
static IWbemClassObjectVtbl table = {
    query_interface, add_ref, release, NOT, get,  put, NOT, get_names, begin_enumeration, next, end_enumeration, NOT, NOT, NOT,
    NOT, spawn_instance, NOT, NOT, NOT, get_method, NOT, NOT, NOT, NOT, NOT, NOT, NOT,
};

Object *new_object(const WCHAR *name_space, const WCHAR *class_name, const Properties *properties, bool instance) {
  Object *object = calloc(1, sizeof *object);
  object->interface_.lpVtbl = &table;
  object->refs = 1;
  object->name_space = copy_text(name_space);
  object->class_name = copy_text(class_name);
  copy_properties(&object->properties, properties);
  object->values = calloc(properties->count + 1, sizeof *object->values);
  for (UINT i = 0; i < properties->count; i++) V_VT(&object->values[i]) = VT_NULL;
  object->instance = instance;
  InterlockedIncrement(&live_objects);
  return object;
}

void object_class(Object *object, Fixture *fixture, Class *class) {
  InterlockedIncrement(&fixture->refs);
  object->fixture = fixture;
  object->class = class;
}
