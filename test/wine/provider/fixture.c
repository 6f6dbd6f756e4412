/* Reading a fixture file, and which state it is in. */
#include "provider.h"
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static Fixture *loaded;

void *grow(void *list, UINT count, UINT *room, size_t size) {
  if (count < *room) return list;
  *room = *room ? *room * 2 : 8;
  return realloc(list, *room * size);
}

WCHAR *copy_text(const WCHAR *text) {
  if (!text) return NULL;
  WCHAR *copy = malloc((wcslen(text) + 1) * sizeof(WCHAR));
  wcscpy(copy, text);
  return copy;
}

void free_properties(Properties *properties) {
  for (UINT i = 0; i < properties->count; i++) free(properties->list[i].name);
  free(properties->list);
}

void copy_properties(Properties *to, const Properties *from) {
  to->count = to->room = from->count;
  to->list = malloc((from->count + 1) * sizeof *to->list);
  for (UINT i = 0; i < from->count; i++) {
    to->list[i] = from->list[i];
    to->list[i].name = copy_text(from->list[i].name);
  }
}

int find_property(const Properties *properties, const WCHAR *name) {
  for (UINT i = 0; i < properties->count; i++)
    if (!_wcsicmp(properties->list[i].name, name)) return (int)i;
  return -1;
}

Class *find_class(Fixture *fixture, const WCHAR *name_space, const WCHAR *name) {
  for (UINT i = 0; i < fixture->classes_count; i++)
    if (!_wcsicmp(fixture->classes[i].name, name) && !_wcsicmp(fixture->classes[i].name_space, name_space)) return &fixture->classes[i];
  return NULL;
}

static void free_cells(Cell *cells, UINT count) {
  for (UINT i = 0; i < count; i++) {
    for (UINT j = 0; j < cells[i].count; j++) free(cells[i].items[j].text);
    free(cells[i].items);
  }
  free(cells);
}

static void free_fixture(Fixture *fixture) {
  for (UINT i = 0; i < fixture->rows_count; i++)
    free_cells(fixture->rows[i].cells, fixture->classes[fixture->rows[i].class_index].properties.count);
  for (UINT i = 0; i < fixture->classes_count; i++) {
    Class *class = &fixture->classes[i];
    for (UINT j = 0; j < class->methods_count; j++) {
      free(class->methods[j].name);
      free_properties(&class->methods[j].in);
      free_properties(&class->methods[j].out);
    }
    free(class->methods);
    free_properties(&class->properties);
    free(class->name_space);
    free(class->name);
  }
  for (UINT i = 0; i < fixture->answers_count; i++) {
    Answer *answer = &fixture->answers[i];
    for (UINT j = 0; j < answer->outs_count; j++) {
      free(answer->outs[j].name);
      free(answer->outs[j].value.text);
    }
    free(answer->outs);
    free(answer->class_name);
    free(answer->method);
    free(answer->key);
  }
  for (UINT i = 0; i < fixture->faults_count; i++) {
    free(fixture->faults[i].where);
    free(fixture->faults[i].what);
  }
  free(fixture->classes);
  free(fixture->rows);
  free(fixture->answers);
  free(fixture->faults);
  free(fixture->path);
  free(fixture);
}

void release_fixture(Fixture *fixture) {
  if (fixture && InterlockedDecrement(&fixture->refs) == 0) free_fixture(fixture);
}

/* A word of the file: plain ASCII, and \uXXXX for every other unit of UTF-16. */
static Text decode(const char *word) {
  Text text = {malloc((strlen(word) + 1) * sizeof(WCHAR)), 0};
  while (*word) {
    if (word[0] == '\\' && word[1] == 'u') {
      char digits[5] = {word[2], word[3], word[4], word[5], 0};
      text.text[text.length++] = (WCHAR)strtoul(digits, NULL, 16);
      word += 6;
    } else
      text.text[text.length++] = (WCHAR)(unsigned char)*word++;
  }
  text.text[text.length] = 0;
  return text;
}

static CIMTYPE type_of(const char *word) {
  static const struct {
    const char *name;
    CIMTYPE type;
  } types[] = {
      {"string", CIM_STRING}, {"boolean", CIM_BOOLEAN}, {"datetime", CIM_DATETIME}, {"uint8", CIM_UINT8},   {"sint8", CIM_SINT8},
      {"uint16", CIM_UINT16}, {"sint16", CIM_SINT16},   {"uint32", CIM_UINT32},     {"sint32", CIM_SINT32}, {"uint64", CIM_UINT64},
      {"sint64", CIM_SINT64}, {"real32", CIM_REAL32},   {"real64", CIM_REAL64},
  };
  size_t length = strcspn(word, "[");
  for (UINT i = 0; i < sizeof types / sizeof *types; i++)
    if (strlen(types[i].name) == length && !strncmp(types[i].name, word, length))
      return types[i].type | (word[length] ? CIM_FLAG_ARRAY : 0);
  return CIM_ILLEGAL;
}

static void add_property(Properties *properties, const char *name, const char *type, bool key) {
  properties->list = grow(properties->list, properties->count, &properties->room, sizeof *properties->list);
  properties->list[properties->count++] = (Property){decode(name).text, type_of(type), key};
}

static Method *last_method(Fixture *fixture) {
  Class *class = &fixture->classes[fixture->classes_count - 1];
  return &class->methods[class->methods_count - 1];
}

/* One line: its first word says what it is. Returns false where it says nothing that is known. */
static bool read_line(Fixture *fixture, char **words, UINT count, UINT *state) {
  const char *what = words[0];
  Class *class = fixture->classes_count ? &fixture->classes[fixture->classes_count - 1] : NULL;
  if (!strcmp(what, "class") && count == 3) {
    fixture->classes = grow(fixture->classes, fixture->classes_count, &fixture->classes_room, sizeof *fixture->classes);
    class = &fixture->classes[fixture->classes_count++];
    memset(class, 0, sizeof *class);
    class->name_space = decode(words[1]).text;
    class->name = decode(words[2]).text;
  } else if (!strcmp(what, "property") && count >= 3 && class)
    add_property(&class->properties, words[1], words[2], count > 3);
  else if (!strcmp(what, "generated") && count == 2 && class)
    class->generated = strtoul(words[1], NULL, 10);
  else if (!strcmp(what, "method") && count >= 2 && class) {
    class->methods = grow(class->methods, class->methods_count, &class->methods_room, sizeof *class->methods);
    Method *method = &class->methods[class->methods_count++];
    memset(method, 0, sizeof *method);
    method->name = decode(words[1]).text;
    method->is_static = count > 2;
    add_property(&method->out, "ReturnValue", "uint32", false);
  } else if (!strcmp(what, "in") && count == 3 && class && class->methods_count)
    add_property(&last_method(fixture)->in, words[1], words[2], false);
  else if (!strcmp(what, "out") && count == 3 && class && class->methods_count)
    add_property(&last_method(fixture)->out, words[1], words[2], false);
  else if (!strcmp(what, "state") && count == 2)
    *state = strtoul(words[1], NULL, 10);
  else if (!strcmp(what, "row") && count == 3) {
    WCHAR *name_space = decode(words[1]).text, *name = decode(words[2]).text;
    Class *of = find_class(fixture, name_space, name);
    free(name_space);
    free(name);
    if (!of) return false;
    fixture->rows = grow(fixture->rows, fixture->rows_count, &fixture->rows_room, sizeof *fixture->rows);
    Row *row = &fixture->rows[fixture->rows_count++];
    row->state = *state;
    row->class_index = (UINT)(of - fixture->classes);
    row->cells = calloc(of->properties.count + 1, sizeof *row->cells);
    for (UINT i = 0; i < of->properties.count; i++) row->cells[i].null = true;
  } else if (!strcmp(what, "value") && count >= 2 && fixture->rows_count) {
    Row *row = &fixture->rows[fixture->rows_count - 1];
    WCHAR *name = decode(words[1]).text;
    int index = find_property(&fixture->classes[row->class_index].properties, name);
    free(name);
    if (index < 0) return false;
    Cell *cell = &row->cells[index];
    cell->null = false;
    cell->count = count - 2;
    cell->items = malloc((count - 1) * sizeof *cell->items);
    for (UINT i = 0; i < cell->count; i++) cell->items[i] = decode(words[i + 2]);
  } else if (!strcmp(what, "answer") && count == 6) {
    fixture->answers = grow(fixture->answers, fixture->answers_count, &fixture->answers_room, sizeof *fixture->answers);
    Answer *answer = &fixture->answers[fixture->answers_count++];
    memset(answer, 0, sizeof *answer);
    answer->state = *state;
    answer->class_name = decode(words[1]).text;
    answer->method = decode(words[2]).text;
    answer->key = strcmp(words[3], "*") ? decode(words[3]).text : NULL;
    answer->result = (HRESULT)strtoul(words[4], NULL, 0);
    answer->next = strtoul(words[5], NULL, 10);
  } else if (!strcmp(what, "gives") && count == 3 && fixture->answers_count) {
    Answer *answer = &fixture->answers[fixture->answers_count - 1];
    answer->outs = grow(answer->outs, answer->outs_count, &answer->outs_room, sizeof *answer->outs);
    answer->outs[answer->outs_count].name = decode(words[1]).text;
    answer->outs[answer->outs_count++].value = decode(words[2]);
  } else if (!strcmp(what, "fault") && count == 6) {
    fixture->faults = grow(fixture->faults, fixture->faults_count, &fixture->faults_room, sizeof *fixture->faults);
    fixture->faults[fixture->faults_count++] = (Fault){decode(words[1]).text,          strcmp(words[2], "*") ? decode(words[2]).text : NULL,
                                                       strtoul(words[3], NULL, 10),    0,
                                                       (HRESULT)strtoul(words[4], NULL, 0), strtoul(words[5], NULL, 10)};
  } else
    return false;
  return true;
}

static char *read_file(const WCHAR *path) {
  HANDLE file = CreateFileW(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) return NULL;
  DWORD size = GetFileSize(file, NULL), read = 0;
  char *bytes = malloc(size + 1);
  if (!ReadFile(file, bytes, size, &read, NULL)) read = 0;
  bytes[read] = 0;
  CloseHandle(file);
  return bytes;
}

static bool state_path(const Fixture *fixture, WCHAR *path) {
  if (wcslen(fixture->path) + 7 > MAX_PATH) return false;
  wcscpy(path, fixture->path);
  wcscat(path, L".state");
  return true;
}

static Fixture *read_fixture(const WCHAR *path) {
  char *bytes = read_file(path), *line = bytes;
  if (!bytes) return NULL;
  Fixture *fixture = calloc(1, sizeof *fixture);
  fixture->refs = 1;
  fixture->path = copy_text(path);
  UINT state = 0;
  bool good = true;
  while (*line && good) {
    char *end = strchr(line, '\n');
    if (end) *end = 0;
    char *words[128];
    UINT count = 0;
    for (char *word = line; count < 128;) {
      words[count++] = word;
      word = strchr(word, '\t');
      if (!word) break;
      *word++ = 0;
    }
    if (*line && *line != '#') good = read_line(fixture, words, count, &state);
    if (!end) break;
    line = end + 1;
  }
  free(bytes);
  if (!good) {
    free_fixture(fixture);
    return NULL;
  }
  return fixture;
}

Fixture *current_fixture(void) {
  WCHAR path[MAX_PATH];
  DWORD length = GetEnvironmentVariableW(L"SLMCTL_FIXTURE", path, MAX_PATH);
  if (!length || length >= MAX_PATH) return NULL;
  EnterCriticalSection(&lock);
  if (!loaded || wcscmp(loaded->path, path)) {
    release_fixture(loaded);
    loaded = read_fixture(path);
  }
  Fixture *fixture = loaded;
  if (fixture) {
    InterlockedIncrement(&fixture->refs);
    /* Another process may have gone on. */
    WCHAR state[MAX_PATH];
    char *number = state_path(fixture, state) ? read_file(state) : NULL;
    fixture->state = number ? strtoul(number, NULL, 10) : 0;
    free(number);
  }
  LeaveCriticalSection(&lock);
  return fixture;
}

void go_to_state(Fixture *fixture, UINT state) {
  WCHAR path[MAX_PATH];
  if (state == fixture->state || !state_path(fixture, path)) return;
  fixture->state = state;
  HANDLE file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ, NULL, CREATE_ALWAYS, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) return;
  char text[16];
  DWORD written;
  wsprintfA(text, "%u", state);
  WriteFile(file, text, (DWORD)strlen(text), &written, NULL);
  CloseHandle(file);
}

/*
 * What goes wrong here, S_OK where nothing does. `position` is a row's number, or COUNTED for what counts itself. `delay` is given to
 * whoever can wait by his own clock; else it is waited here.
 */
HRESULT fault_at(Fixture *fixture, const WCHAR *where, const WCHAR *what, UINT position, DWORD *delay) {
  HRESULT result = S_OK;
  DWORD wait = 0;
  EnterCriticalSection(&lock);
  for (UINT i = 0; i < fixture->faults_count; i++) {
    Fault *fault = &fixture->faults[i];
    if (wcscmp(fault->where, where) || (fault->what && (!what || _wcsicmp(fault->what, what)))) continue;
    if ((position == COUNTED ? fault->seen++ : position) < fault->after) continue;
    wait = fault->delay;
    result = fault->result;
    break;
  }
  LeaveCriticalSection(&lock);
  if (delay)
    *delay = wait;
  else if (wait)
    Sleep(wait);
  return result;
}
