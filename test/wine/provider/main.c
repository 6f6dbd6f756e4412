/* The library: loads under Wine only, gives out the locator, counts what is alive. */
#include "provider.h"
#include <stdlib.h>
#include <wchar.h>

LONG live_objects, live_blocks;
CRITICAL_SECTION lock;

/* ---- blocks of COM's memory: strings and arrays that somebody forgot. Counted where SLMCTL_FIXTURE_COUNT is set, for it is slow. ---- */

static HRESULT WINAPI spy_query_interface(IMallocSpy *this, REFIID id, void **out) {
  *out = this;
  return S_OK;
}
static ULONG WINAPI spy_ref(IMallocSpy *this) { return 2; }
static SIZE_T WINAPI pre_alloc(IMallocSpy *this, SIZE_T size) { return size; }
static void *WINAPI post_alloc(IMallocSpy *this, void *block) {
  if (block) InterlockedIncrement(&live_blocks);
  return block;
}
static void *WINAPI pre_free(IMallocSpy *this, void *block, BOOL spied) {
  if (block && spied) InterlockedDecrement(&live_blocks);
  return block;
}
static void WINAPI post_free(IMallocSpy *this, BOOL spied) {}
static SIZE_T WINAPI pre_realloc(IMallocSpy *this, void *block, SIZE_T size, void **same, BOOL spied) {
  *same = block;
  return size;
}
static void *WINAPI post_realloc(IMallocSpy *this, void *block, BOOL spied) { return block; }
static void *WINAPI pre_get_size(IMallocSpy *this, void *block, BOOL spied) { return block; }
static SIZE_T WINAPI post_get_size(IMallocSpy *this, SIZE_T size, BOOL spied) { return size; }
static void *WINAPI pre_did_alloc(IMallocSpy *this, void *block, BOOL spied) { return block; }
static int WINAPI post_did_alloc(IMallocSpy *this, void *block, BOOL spied, int did) { return did; }
static void WINAPI minimize(IMallocSpy *this) {}
static IMallocSpyVtbl spy_table = {
    spy_query_interface, spy_ref,      spy_ref,       pre_alloc,     post_alloc,    pre_free,       post_free, pre_realloc,
    post_realloc,        pre_get_size, post_get_size, pre_did_alloc, post_did_alloc, minimize,      minimize,
};
static IMallocSpy spy = {&spy_table};

/* ---- IWbemLocator ---- */

static HRESULT WINAPI locator_query_interface(IWbemLocator *this, REFIID id, void **out) {
  *out = NULL;
  if (!IsEqualIID(id, &IID_IUnknown) && !IsEqualIID(id, &IID_IWbemLocator)) return E_NOINTERFACE;
  *out = this;
  IWbemLocator_AddRef(this);
  return S_OK;
}

typedef struct {
  IWbemLocator interface_;
  LONG refs;
} Locator;

static ULONG WINAPI locator_add_ref(IWbemLocator *this) { return InterlockedIncrement(&((Locator *)this)->refs); }
static ULONG WINAPI locator_release(IWbemLocator *this) {
  LONG refs = InterlockedDecrement(&((Locator *)this)->refs);
  if (refs) return refs;
  free(this);
  InterlockedDecrement(&live_objects);
  return 0;
}

/* `root\cimv2`, `root/cimv2`, `\\.\root\cimv2`: as the fixture writes it, root\cimv2. */
static bool local_namespace(const WCHAR *given, WCHAR *name_space) {
  if (!given || wcslen(given) > 200) return false;
  if ((given[0] == '\\' || given[0] == '/') && given[1] == given[0]) {
    if (given[2] != '.' || (given[3] != '\\' && given[3] != '/')) return false;
    given += 4;
  }
  do *name_space++ = *given == '/' ? '\\' : *given;
  while (*given++);
  return true;
}

static HRESULT WINAPI connect_server(IWbemLocator *this, const BSTR resource, const BSTR user, const BSTR password, const BSTR locale,
                                     LONG flags, const BSTR authority, IWbemContext *context, IWbemServices **out) {
  WCHAR name_space[256];
  *out = NULL;
  Fixture *fixture = current_fixture();
  if (!fixture) return WBEM_E_PROVIDER_LOAD_FAILURE;
  HRESULT result = fault_at(fixture, L"connect", NULL, COUNTED, NULL);
  if (SUCCEEDED(result) && !local_namespace(resource, name_space)) result = WBEM_E_INVALID_NAMESPACE;
  /* A user has no sense on the machine itself. */
  if (SUCCEEDED(result) && user) result = WBEM_E_LOCAL_CREDENTIALS;
  if (SUCCEEDED(result)) {
    bool known = false;
    for (UINT i = 0; i < fixture->classes_count; i++) known |= !_wcsicmp(fixture->classes[i].name_space, name_space);
    if (!known) result = WBEM_E_INVALID_NAMESPACE;
  }
  record_start();
  record_text("op", L"connect");
  record_text("namespace", resource);
  record_number("result", (UINT)result);
  record_end();
  release_fixture(fixture);
  return SUCCEEDED(result) ? new_services(name_space, out) : result;
}

static IWbemLocatorVtbl locator_table = {locator_query_interface, locator_add_ref, locator_release, connect_server};

/* What only Wine's ntdll exports; a test builds the library with another, to see it refuse. */
#ifndef WINE_MARK
#define WINE_MARK "wine_get_version"
#endif

/* ---- the class factory and the library's own functions ---- */

static HRESULT WINAPI factory_query_interface(IClassFactory *this, REFIID id, void **out) {
  *out = NULL;
  if (!IsEqualIID(id, &IID_IUnknown) && !IsEqualIID(id, &IID_IClassFactory)) return E_NOINTERFACE;
  *out = this;
  return S_OK;
}
static ULONG WINAPI factory_ref(IClassFactory *this) { return 2; }
static HRESULT WINAPI create_instance(IClassFactory *this, IUnknown *outer, REFIID id, void **out) {
  *out = NULL;
  if (outer) return CLASS_E_NOAGGREGATION;
  Locator *locator = calloc(1, sizeof *locator);
  locator->interface_.lpVtbl = &locator_table;
  locator->refs = 1;
  InterlockedIncrement(&live_objects);
  HRESULT result = IWbemLocator_QueryInterface(&locator->interface_, id, out);
  IWbemLocator_Release(&locator->interface_);
  return result;
}
static HRESULT WINAPI lock_server(IClassFactory *this, BOOL locked) { return S_OK; }
static IClassFactoryVtbl factory_table = {factory_query_interface, factory_ref, factory_ref, create_instance, lock_server};
static IClassFactory factory = {&factory_table};

/* The clsid of WbemLocator, from the header; it is not in mingw's libraries. */
static const CLSID locator_id = {0x4590f811, 0x1d3a, 0x11d0, {0x89, 0x1f, 0x00, 0xaa, 0x00, 0x4b, 0x2e, 0x24}};

__declspec(dllexport) HRESULT WINAPI DllGetClassObject(REFCLSID class_id, REFIID id, void **out) {
  *out = NULL;
  if (!IsEqualCLSID(class_id, &locator_id)) return CLASS_E_CLASSNOTAVAILABLE;
  static bool spied;
  if (!spied && GetEnvironmentVariableW(L"SLMCTL_FIXTURE_COUNT", NULL, 0)) spied = SUCCEEDED(CoRegisterMallocSpy(&spy));
  return factory_query_interface(&factory, id, out);
}

__declspec(dllexport) HRESULT WINAPI DllCanUnloadNow(void) { return S_FALSE; }

/* What is alive now: COM objects of this library, blocks of COM's memory. */
__declspec(dllexport) void WINAPI FixtureCounters(LONG *objects, LONG *blocks) {
  *objects = live_objects;
  *blocks = live_blocks;
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, void *reserved) {
  if (reason != DLL_PROCESS_ATTACH) return TRUE;
  /* Never on a real Windows. */
  if (!GetProcAddress(GetModuleHandleW(L"ntdll.dll"), WINE_MARK)) return FALSE;
  DisableThreadLibraryCalls(instance);
  InitializeCriticalSection(&lock);
  return TRUE;
}
