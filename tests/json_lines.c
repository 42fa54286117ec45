// json_lines DOCUMENT SECTION: holds the JSON lines of stdin to a table of docs/json.md. Every field must be told there with its
// type, and every field that is not optional must be there. Prints what is wrong; exit status 1.
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 };
typedef struct { char path[64], type[64]; bool optional; } Row;
static Row row[MOST];
static int rows;

static int fail(const char *what, const char *path, const json_t *v) {
  char *s = v ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
  printf("%s: `%s` %.200s\n", what, path, s ? s : "");
  free(s);
  return 1;
}

// | `layers[].path` | string, optional | …
static bool read_table(const char *document, const char *section) {
  char line[1024], title[64];
  bool inside = false;
  FILE *f = fopen(document, "r");
  if (!f) return false;
  snprintf(title, sizeof title, "## %s\n", section);
  while (fgets(line, sizeof line, f)) {
    if (line[0] == '#') inside = strcmp(line, title) == 0;
    Row *r = &row[rows];
    if (!inside || rows == MOST || sscanf(line, "| `%63[^`]` | %63[^|]", r->path, r->type) != 2) continue;
    char *comma = strstr(r->type, ", optional");
    r->optional = comma != NULL;
    if (comma) *comma = 0;
    for (size_t n = strlen(r->type); n && r->type[n - 1] == ' ';) r->type[--n] = 0;
    rows++;
  }
  fclose(f);
  return rows > 0;
}

static const Row *find(const char *prefix, const char *key) {
  const Row *any = NULL;
  size_t n = strlen(prefix);
  for (int i = 0; i < rows; i++) {
    if (strncmp(row[i].path, prefix, n) != 0) continue;
    if (strcmp(row[i].path + n, key) == 0) return &row[i];
    if (strcmp(row[i].path + n, "*") == 0) any = &row[i];
  }
  return any;
}

static bool is_a(const json_t *v, const char *type, size_t n) {
#define IS(name, test) if (n == strlen(name) && memcmp(type, name, n) == 0) return test
  IS("any", true);
  IS("string", json_is_string(v));
  IS("integer", json_is_integer(v));
  IS("number", json_is_number(v));
  IS("boolean", json_is_boolean(v));
  IS("null", json_is_null(v));
  IS("list", json_is_array(v));
  return false;
}

static bool is_type(const json_t *v, const char *type) {
  size_t i;
  json_t *x;
  const char *key;
  if (strncmp(type, "list of ", 8) == 0) {
    json_array_foreach((json_t *)v, i, x)
      if (!is_a(x, type + 8, strlen(type + 8) - 1)) return false;
    return json_is_array(v);
  }
  if (strncmp(type, "object of ", 10) == 0) {
    json_object_foreach((json_t *)v, key, x)
      if (!json_is_null(x) && !is_a(x, type + 10, strlen(type + 10) - 1)) return false;
    return json_is_object(v);
  }
  const char *or = strstr(type, " or ");
  return is_a(v, type, or ? (size_t)(or - type) : strlen(type)) || (or && is_a(v, or + 4, strlen(or + 4)));
}

static int hold(const json_t *object, const char *prefix) {
  const char *key;
  json_t *v, *x;
  int wrong = 0;
  size_t k, n = strlen(prefix);
  json_object_foreach((json_t *)object, key, v) {
    const Row *r = find(prefix, key);
    if (!r) { wrong |= fail("not documented", key, v); continue; }
    if (!is_type(v, r->type)) wrong |= fail(r->type, key, v);
    char below[160];
    snprintf(below, sizeof below, "%s%s[].", prefix, key);
    if (strcmp(r->type, "list") == 0)
      json_array_foreach(v, k, x) wrong |= json_is_object(x) ? hold(x, below) : fail("an object", key, x);
  }
  for (int i = 0; i < rows; i++) {
    const char *name = row[i].path + n;
    if (strncmp(row[i].path, prefix, n) == 0 && !strchr(name, '[') && *name != '*' && !row[i].optional && !json_object_get(object, name))
      wrong |= fail("missing", row[i].path, NULL);
  }
  return wrong;
}

int main(int argc, char **argv) {
  if (argc != 3 || !read_table(argv[1], argv[2])) return printf("no table\n"), 2;
  static char line[1 << 22];
  int wrong = 0, lines = 0;
  while (fgets(line, sizeof line, stdin)) {
    json_error_t e;
    json_t *v = json_loads(line, JSON_REJECT_DUPLICATES, &e);
    if (!json_is_object(v)) wrong |= (printf("no JSON object (%s): %.200s\n", e.text, line), 1);
    else wrong |= hold(v, "");
    json_decref(v);
    lines++;
  }
  if (!lines) printf("no lines\n");
  return wrong || !lines;
}
