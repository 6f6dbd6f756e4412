/* One line of JSON for each call, appended to the file that SLMCTL_FIXTURE_CALLS names. */
#include "provider.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

static char *line;
static size_t length, room;

static void put(const char *text, size_t count) {
  if (length + count + 1 > room) line = realloc(line, room = (length + count + 1) * 2);
  memcpy(line + length, text, count);
  length += count;
  line[length] = 0;
}

static void put_text(const WCHAR *text, size_t count) {
  put("\"", 1);
  for (size_t i = 0; i < count; i++) {
    char escaped[8];
    if (text[i] >= ' ' && text[i] < 127 && text[i] != '"' && text[i] != '\\') {
      escaped[0] = (char)text[i];
      put(escaped, 1);
    } else {
      sprintf(escaped, "\\u%04x", text[i]);
      put(escaped, 6);
    }
  }
  put("\"", 1);
}

static void put_name(const char *name) {
  if (length > 1 && line[length - 1] != '{') put(",", 1);
  put("\"", 1);
  put(name, strlen(name));
  put("\":", 2);
}

/* One call is written at a time: the lock is held from start to end. */
void record_start(void) {
  EnterCriticalSection(&lock);
  length = 0;
  put("{", 1);
}

void record_text(const char *name, const WCHAR *text) {
  put_name(name);
  if (text)
    put_text(text, wcslen(text));
  else
    put("null", 4);
}

void record_number(const char *name, UINT number) {
  char text[16];
  put_name(name);
  put(text, (size_t)sprintf(text, "%u", number));
}

/* Arguments as they came: the VARIANT's type and its value. A product key is recorded by its last five characters only. */
void record_arguments(Object *object) {
  put_name("arguments");
  put("{", 1);
  const Properties *properties = object ? object_properties(object) : NULL;
  for (UINT i = 0; properties && i < properties->count; i++) {
    VARIANT value;
    char text[64];
    if (FAILED(object_get(object, properties->list[i].name, &value, NULL))) continue;
    if (line[length - 1] != '{') put(",", 1);
    put_text(properties->list[i].name, wcslen(properties->list[i].name));
    put(text, (size_t)sprintf(text, ":{\"vt\":%u,\"value\":", V_VT(&value)));
    UINT count = V_VT(&value) == VT_BSTR ? SysStringLen(V_BSTR(&value)) : 0;
    bool secret = !_wcsicmp(properties->list[i].name, L"ProductKey") && count > 5;
    switch (V_VT(&value)) {
      case VT_BSTR: put_text(V_BSTR(&value) + (secret ? count - 5 : 0), secret ? 5 : count); break;
      case VT_BOOL: put(text, (size_t)sprintf(text, "%s", V_BOOL(&value) ? "true" : "false")); break;
      case VT_I4: put(text, (size_t)sprintf(text, "%ld", V_I4(&value))); break;
      case VT_UI4: put(text, (size_t)sprintf(text, "%lu", V_UI4(&value))); break;
      default: put("null", 4);
    }
    put("}", 1);
    VariantClear(&value);
  }
  put("}", 1);
}

void record_end(void) {
  WCHAR path[MAX_PATH];
  DWORD count = GetEnvironmentVariableW(L"SLMCTL_FIXTURE_CALLS", path, MAX_PATH), written;
  put("}\n", 2);
  if (count && count < MAX_PATH) {
    HANDLE file = CreateFileW(path, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_ALWAYS, 0, NULL);
    if (file != INVALID_HANDLE_VALUE) {
      WriteFile(file, line, (DWORD)length, &written, NULL);
      CloseHandle(file);
    }
  }
  LeaveCriticalSection(&lock);
}
