/*
 * A WMI locator for tests: serves what a fixture file says, records the calls it gets. It works under Wine only: elsewhere it refuses
 * to load. What a fixture file looks like is in ../fixture.ts.
 */
#ifndef PROVIDER_H
#define PROVIDER_H
#define COBJMACROS
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#include <wbemcli.h>
#include <stdbool.h>

/* A text that may hold null characters and lone surrogates; text == NULL is NULL. */
typedef struct {
  WCHAR *text;
  UINT length;
} Text;

typedef struct {
  WCHAR *name;
  CIMTYPE type; /* CIM_FLAG_ARRAY in it for arrays */
  bool key;
} Property;

typedef struct {
  bool null;
  UINT count;
  Text *items;
} Cell;

typedef struct {
  UINT count, room;
  Property *list;
} Properties;

typedef struct {
  WCHAR *name;
  bool is_static;
  Properties in, out;
} Method;

typedef struct {
  WCHAR *name_space, *name;
  Properties properties;
  UINT methods_count, methods_room;
  Method *methods;
  UINT generated; /* so many rows are made of the first one */
} Class;

typedef struct {
  UINT state, class_index;
  Cell *cells; /* in the order of the class's properties */
} Row;

/* What a method call does in a state: an answer or an HRESULT, and the next state. */
typedef struct {
  UINT state, next;
  WCHAR *class_name, *method, *key; /* key NULL: any */
  HRESULT result;
  UINT outs_count, outs_room;
  struct {
    WCHAR *name;
    Text value;
  } *outs;
} Answer;

/* Where something goes wrong or takes its time: connect, query, next, get, method, lost. */
typedef struct {
  WCHAR *where, *what; /* what NULL: everything */
  UINT after;          /* next: after so many rows; else: from the call with this number on */
  UINT seen;
  HRESULT result;
  DWORD delay;
} Fault;

typedef struct {
  LONG refs;
  WCHAR *path;
  UINT classes_count, classes_room, rows_count, rows_room, answers_count, answers_room, faults_count, faults_room;
  Class *classes;
  Row *rows;
  Answer *answers;
  Fault *faults;
  UINT state;
} Fixture;

extern LONG live_objects;
extern LONG live_blocks;
extern CRITICAL_SECTION lock;

/* fixture.c */
void *grow(void *list, UINT count, UINT *room, size_t size);
WCHAR *copy_text(const WCHAR *text);
Fixture *current_fixture(void); /* with a reference; NULL where the file cannot be read */
void release_fixture(Fixture *fixture);
void go_to_state(Fixture *fixture, UINT state);
#define COUNTED 0xffffffffu
HRESULT fault_at(Fixture *fixture, const WCHAR *where, const WCHAR *what, UINT position, DWORD *delay);
Class *find_class(Fixture *fixture, const WCHAR *name_space, const WCHAR *name);
int find_property(const Properties *properties, const WCHAR *name);
void free_properties(Properties *properties);
void copy_properties(Properties *to, const Properties *from);

/* object.c */
typedef struct Object Object;
Object *new_object(const WCHAR *name_space, const WCHAR *class_name, const Properties *properties, bool instance);
void set_value(Object *object, int index, const Cell *cell);
void object_class(Object *object, Fixture *fixture, Class *class);
HRESULT object_get(Object *object, const WCHAR *name, VARIANT *value, CIMTYPE *type);
const Properties *object_properties(Object *object);
IWbemClassObject *object_interface(Object *object);
Object *object_of(IWbemClassObject *interface_);
HRESULT text_to_variant(CIMTYPE type, const Cell *cell, VARIANT *value);
void make_path(Object *object, WCHAR *path, UINT room, bool whole);

/* query.c */
typedef struct Query Query;
HRESULT parse_query(const WCHAR *text, Query **query);
const WCHAR *query_class(const Query *query);
HRESULT check_query(const Query *query, const Class *class);
bool row_fits(const Query *query, const Class *class, const Row *row);
void selected(const Query *query, const Class *class, Properties *properties, int **indices);
void free_query(Query *query);

/* services.c */
HRESULT new_services(const WCHAR *name_space, IWbemServices **services);
HRESULT new_result(IWbemClassObject *object, HRESULT status, DWORD delay, IWbemCallResult **result);
HRESULT new_rows(const WCHAR *name_space, Query *query, HRESULT first, LONG flags, Fixture *fixture, IEnumWbemClassObject **rows);

/* record.c */
void record_start(void);
void record_text(const char *name, const WCHAR *text);
void record_number(const char *name, UINT number);
void record_arguments(Object *object);
void record_end(void);

HRESULT not_here(void);
#endif
