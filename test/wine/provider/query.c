/* The part of WQL that is asked: SELECT columns|* FROM class [WHERE property IS [NOT] NULL | property = 'text' {AND …}]. */
#include "provider.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

typedef struct {
  WCHAR *property, *value; /* value NULL: IS NULL */
  bool equal;
} Condition;

struct Query {
  WCHAR *from;
  UINT columns_count, columns_room, conditions_count, conditions_room;
  WCHAR **columns; /* none: all */
  Condition *conditions;
};

void free_query(Query *query) {
  if (!query) return;
  for (UINT i = 0; i < query->columns_count; i++) free(query->columns[i]);
  for (UINT i = 0; i < query->conditions_count; i++) {
    free(query->conditions[i].property);
    free(query->conditions[i].value);
  }
  free(query->columns);
  free(query->conditions);
  free(query->from);
  free(query);
}

const WCHAR *query_class(const Query *query) { return query->from; }

static bool name_unit(WCHAR unit) { return (unit < 128 && isalnum(unit)) || unit == '_'; }
static void spaces(const WCHAR **at) {
  while (**at == ' ' || **at == '\t' || **at == '\r' || **at == '\n') ++*at;
}

static WCHAR *name(const WCHAR **at) {
  spaces(at);
  const WCHAR *begin = *at;
  while (name_unit(**at)) ++*at;
  if (*at == begin) return NULL;
  WCHAR *text = calloc(*at - begin + 1, sizeof(WCHAR));
  memcpy(text, begin, (*at - begin) * sizeof(WCHAR));
  return text;
}

static bool word(const WCHAR **at, const WCHAR *wanted) {
  spaces(at);
  size_t length = wcslen(wanted);
  if (_wcsnicmp(*at, wanted, length) || (name_unit(wanted[0]) && name_unit((*at)[length]))) return false;
  *at += length;
  return true;
}

static WCHAR *literal(const WCHAR **at) {
  spaces(at);
  WCHAR quote = **at;
  if (quote != '\'' && quote != '"') return name(at); /* numbers, TRUE, FALSE */
  WCHAR *text = calloc(wcslen(*at) + 1, sizeof(WCHAR)), *to = text;
  for (++*at; **at && **at != quote; ++*at) {
    if (**at == '\\' && (*at)[1]) ++*at;
    *to++ = **at;
  }
  if (**at != quote) {
    free(text);
    return NULL;
  }
  ++*at;
  return text;
}

static bool condition(const WCHAR **at, Query *query) {
  query->conditions = grow(query->conditions, query->conditions_count, &query->conditions_room, sizeof *query->conditions);
  Condition *condition = &query->conditions[query->conditions_count];
  *condition = (Condition){name(at), NULL, true};
  if (!condition->property) return false;
  query->conditions_count++;
  if (word(at, L"IS")) {
    condition->equal = !word(at, L"NOT");
    return word(at, L"NULL");
  }
  if (word(at, L"<>") || word(at, L"!="))
    condition->equal = false;
  else if (!word(at, L"="))
    return false;
  condition->value = literal(at);
  return condition->value != NULL;
}

static bool parse(const WCHAR *at, Query *query) {
  if (!word(&at, L"SELECT")) return false;
  if (!word(&at, L"*")) do {
      WCHAR *column = name(&at);
      if (!column) return false;
      query->columns = grow(query->columns, query->columns_count, &query->columns_room, sizeof *query->columns);
      query->columns[query->columns_count++] = column;
    } while (word(&at, L","));
  if (!word(&at, L"FROM") || !(query->from = name(&at))) return false;
  if (word(&at, L"WHERE")) do
      if (!condition(&at, query)) return false;
    while (word(&at, L"AND"));
  spaces(&at);
  return !*at;
}

HRESULT parse_query(const WCHAR *text, Query **query) {
  *query = calloc(1, sizeof **query);
  if (parse(text, *query)) return S_OK;
  free_query(*query);
  *query = NULL;
  return WBEM_E_INVALID_QUERY;
}

static bool known(const Class *class, const WCHAR *property) {
  return (property[0] == '_' && property[1] == '_') || find_property(&class->properties, property) >= 0;
}

/* A column or a condition that the class does not have is an invalid query. */
HRESULT check_query(const Query *query, const Class *class) {
  for (UINT i = 0; i < query->columns_count; i++)
    if (!known(class, query->columns[i])) return WBEM_E_INVALID_QUERY;
  for (UINT i = 0; i < query->conditions_count; i++)
    if (find_property(&class->properties, query->conditions[i].property) < 0) return WBEM_E_INVALID_QUERY;
  return S_OK;
}

bool row_fits(const Query *query, const Class *class, const Row *row) {
  for (UINT i = 0; i < query->conditions_count; i++) {
    const Condition *condition = &query->conditions[i];
    const Cell *cell = &row->cells[find_property(&class->properties, condition->property)];
    /* NULL is neither equal nor unequal to anything. */
    if (condition->value && cell->null) return false;
    bool same = condition->value ? cell->count == 1 && !_wcsicmp(cell->items[0].text, condition->value) : cell->null;
    if (same != condition->equal) return false;
  }
  return true;
}

/* The properties that rows of the answer have, and where they are in the class. */
void selected(const Query *query, const Class *class, Properties *properties, int **indices) {
  if (!query->columns_count) {
    copy_properties(properties, &class->properties);
    *indices = malloc((properties->count + 1) * sizeof **indices);
    for (UINT i = 0; i < properties->count; i++) (*indices)[i] = (int)i;
    return;
  }
  memset(properties, 0, sizeof *properties);
  properties->list = malloc(query->columns_count * sizeof *properties->list);
  *indices = malloc(query->columns_count * sizeof **indices);
  for (UINT i = 0; i < query->columns_count; i++) {
    int index = find_property(&class->properties, query->columns[i]);
    if (index < 0) continue;
    (*indices)[properties->count] = index;
    properties->list[properties->count] = class->properties.list[index];
    properties->list[properties->count++].name = copy_text(class->properties.list[index].name);
  }
}
