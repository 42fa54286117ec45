// `nacre diff`: what differs between two runs. Every field of run.json belongs to a group; the source is compared by lines.
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/file.h"
#include "train/plain.h"
#include "train/run.h"

typedef struct { const char *dir[2]; NcSink sink; } Diff;
typedef struct { char mark; int line; const char *text; size_t size; } Line;     // '-': of the first; '+': of the second
typedef struct { const char *group, *field, *value[2]; } Change;                 // value NULL: it has none
typedef struct { NcArena *a; NC_VEC(Change) change; NC_VEC(Line) line; } Found;

// Which group a field of run.json belongs to; what is not listed tells nothing of how a run was made.
static const struct { const char *field, *group; } fields[] = {
  {"model", "settings"}, {"chosen_model", "settings"}, {"set", "settings"}, {"options", "settings"}, {"batch", "settings"},
  {"seed", "settings"}, {"keep", "settings"}, {"data", "data"}, {"directory", "data"}, {"version", "versions"},
  {"system", "versions"}, {"device", "versions"}, {"state", "results"}, {"parameters", "results"}, {"device_bytes", "results"},
  {"steps", "results"}, {"total_steps", "results"}, {"stage", "results"}, {"split", "results"}, {"metrics", "results"},
};
static const char *const groups[] = {"settings", "data", "versions", "results"};
enum { FIELDS = sizeof fields / sizeof *fields, GROUPS = sizeof groups / sizeof *groups };

static const char *value_text(NcArena *a, const json_t *j) {
  if (!j) return NULL;
  if (json_is_string(j)) return nc_strdup(a, json_string_value(j));
  if (json_is_real(j)) return nc_sprintf(a, "%.6g", json_real_value(j));
  char *s = json_dumps(j, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
  const char *copy = s ? nc_strdup(a, s) : NULL;
  free(s);
  return copy;
}

static void compare(Found *f, const char *group, const char *field, const char *x, const char *y) {
  if ((!x && !y) || (x && y && strcmp(x, y) == 0)) return;
  *NC_PUSH(f->a, f->change) = (Change){group, field, {x, y}};
}

// ["net.hidden=3", …]: the last value of a path counts.
static const char *set_value(NcArena *a, const json_t *list, const char *path) {
  const char *value = NULL;
  size_t n = strlen(path);
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *s = json_string_value(json_array_get(list, i));
    if (s && strncmp(s, path, n) == 0 && s[n] == '=') value = nc_strdup(a, s + n + 1);
  }
  return value;
}

static void compare_sets(Found *f, const json_t *const list[2]) {
  NC_VEC(const char *) seen = {0};
  for (int side = 0; side < 2; side++)
    for (size_t i = 0; i < json_array_size(list[side]); i++) {
      const char *s = json_string_value(json_array_get(list[side], i));
      if (!s) continue;
      const char *path = nc_strndup(f->a, s, strcspn(s, "="));
      bool known = false;
      for (int k = 0; k < seen.n; k++) known = known || strcmp(seen.at[k], path) == 0;
      if (known) continue;
      *NC_PUSH(f->a, seen) = path;
      compare(f, "settings", path, set_value(f->a, list[0], path), set_value(f->a, list[1], path));
    }
}

static void compare_values(Found *f, const char *group, const char *field, const json_t *x, const json_t *y);

// The fields of two objects: first those of one, then what only the other has.
static void compare_objects(Found *f, const char *group, const char *field, const json_t *x, const json_t *y) {
  const char *key;
  json_t *v;
  json_object_foreach((json_t *)(uintptr_t)x, key, v)
    compare_values(f, group, nc_sprintf(f->a, "%s.%s", field, key), v, json_object_get(y, key));
  json_object_foreach((json_t *)(uintptr_t)y, key, v)
    if (!json_object_get(x, key)) compare_values(f, group, nc_sprintf(f->a, "%s.%s", field, key), NULL, v);
}

static void compare_values(Found *f, const char *group, const char *field, const json_t *x, const json_t *y) {
  if ((json_is_object(x) || !x) && (json_is_object(y) || !y) && (x || y)) compare_objects(f, group, field, x, y);
  else if (json_is_array(x) && json_is_array(y) && json_array_size(x) == json_array_size(y))
    for (size_t i = 0; i < json_array_size(x); i++)
      compare_values(f, group, nc_sprintf(f->a, "%s.%zu", field, i + 1), json_array_get(x, i), json_array_get(y, i));
  else compare(f, group, field, value_text(f->a, x), value_text(f->a, y));
}

// ---- the source

typedef struct { int n; const char **at; size_t *size; } Text;

static Text cut(NcArena *a, const char *s, size_t size) {
  Text t = {0};
  for (size_t i = 0; i < size; i++) t.n += s[i] == '\n' || i + 1 == size;
  t.at = NC_NEW_N(a, const char *, t.n + 1);
  t.size = NC_NEW_N(a, size_t, t.n + 1);
  for (int i = 0; i < t.n; i++) {
    const char *end = memchr(s, '\n', size);
    t.at[i] = s;
    t.size[i] = end ? (size_t)(end - s) : size;
    size -= t.size[i] + (end != NULL);
    s += t.size[i] + 1;
  }
  return t;
}

static bool same(const Text *x, int i, const Text *y, int k) {
  return x->size[i] == y->size[k] && memcmp(x->at[i], y->at[k], x->size[i]) == 0;
}

static void put_line(Found *f, char mark, const Text *t, int i) { *NC_PUSH(f->a, f->line) = (Line){mark, i + 1, t->at[i], t->size[i]}; }

// The longest common subsequence of lines between what both begin and end with; beyond MOST pairs all of it differs.
static void compare_lines(Found *f, const Text *x, const Text *y) {
  enum { MOST = 4000000 };
  int head = 0, nx = x->n, ny = y->n;
  while (head < nx && head < ny && same(x, head, y, head)) head++;
  while (nx > head && ny > head && same(x, nx - 1, y, ny - 1)) nx--, ny--;
  int rows = nx - head, columns = ny - head, w = columns + 1;
  bool few = (int64_t)rows * columns <= MOST;
  int *length = few ? NC_NEW_N(f->a, int, (rows + 1) * w) : NULL;       // of what is common to the rest from (i, k) on
  for (int i = rows - 1; few && i >= 0; i--)
    for (int k = columns - 1; k >= 0; k--) {
      int down = length[(i + 1) * w + k], right = length[i * w + k + 1];
      length[i * w + k] = same(x, head + i, y, head + k) ? length[(i + 1) * w + k + 1] + 1 : down > right ? down : right;
    }
  int i = 0, k = 0;
  while (i < rows || k < columns) {
    bool both = few && i < rows && k < columns;
    if (both && same(x, head + i, y, head + k)) i++, k++;
    else if (i < rows && (!both || length[(i + 1) * w + k] >= length[i * w + k + 1])) put_line(f, '-', x, head + i++);
    else put_line(f, '+', y, head + k++);
  }
}

// ---- telling

static void put_text(NcBuf *b, const Diff *q, const Found *f) {
  for (int g = 0; g < GROUPS; g++) {
    bool begun = false;
    for (int i = 0; i < f->change.n; i++) {
      const Change *c = &f->change.at[i];
      if (strcmp(c->group, groups[g]) != 0) continue;
      if (!begun) nc_putf(b, "%s\n", groups[g]);
      begun = true;
      nc_putf(b, "  %-24s %s -> %s\n", c->field, c->value[0] ? c->value[0] : "(none)", c->value[1] ? c->value[1] : "(none)");
    }
  }
  if (f->line.n) nc_put(b, "source\n");
  for (int i = 0; i < f->line.n; i++)
    nc_putf(b, "  %c%5d  %.*s\n", f->line.at[i].mark, f->line.at[i].line, (int)f->line.at[i].size, f->line.at[i].text);
  if (!b->n) nc_putf(b, "`%s` and `%s` are alike\n", q->dir[0], q->dir[1]);
}

static void put_member(NcBuf *b, const char *name, const char *value) {
  nc_putf(b, "\"%s\":", name);
  if (value) nc_put_json(b, value);
  else nc_put(b, "null");
}

static void put_json(NcArena *a, NcBuf *b, const Diff *q, const Found *f) {
  nc_putc(b, '{');
  put_member(b, "a", q->dir[0]);
  nc_putc(b, ',');
  put_member(b, "b", q->dir[1]);
  nc_put(b, ",\"changes\":[");
  for (int i = 0; i < f->change.n; i++) {
    static const char *const names[] = {"group", "field", "a", "b"};
    const Change *c = &f->change.at[i];
    const char *const values[] = {c->group, c->field, c->value[0], c->value[1]};
    nc_put(b, i ? ",{" : "{");
    for (int k = 0; k < 4; k++) {
      if (k) nc_putc(b, ',');
      put_member(b, names[k], values[k]);
    }
    nc_putc(b, '}');
  }
  nc_put(b, "],\"source\":[");
  for (int i = 0; i < f->line.n; i++) {
    const Line *l = &f->line.at[i];
    nc_putf(b, "%s{\"of\":\"%s\",\"line\":%d,", i ? "," : "", l->mark == '-' ? "a" : "b", l->line);
    put_member(b, "text", nc_strndup(a, l->text, l->size));
    nc_putc(b, '}');
  }
  nc_put(b, "]}\n");
}

static bool read_source(NcArena *a, NcDiag *d, const char *dir, Text *out) {
  size_t size;
  const char *s = nc_read_file(a, d, NC_E0604, NC_NOWHERE, nc_sprintf(a, "%s/model.nn", dir), &size);
  if (s) *out = cut(a, s, size);
  return s != NULL;
}

static bool diff(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  Diff *q = arg;
  Found f = {.a = a};
  json_t *j[2] = {nc_run_read(a, d, q->dir[0]), nc_run_read(a, d, q->dir[1])};
  Text text[2];
  bool good = j[0] && j[1] && read_source(a, d, q->dir[0], &text[0]) && read_source(a, d, q->dir[1], &text[1]);
  for (int i = 0; good && i < FIELDS; i++) {
    const json_t *v[2] = {json_object_get(j[0], fields[i].field), json_object_get(j[1], fields[i].field)};
    if (strcmp(fields[i].field, "set") == 0) compare_sets(&f, v);
    else compare_values(&f, fields[i].group, fields[i].field, v[0], v[1]);
  }
  json_decref(j[0]);
  json_decref(j[1]);
  if (!good) return false;
  compare_lines(&f, &text[0], &text[1]);
  NcBuf b = NC_BUF(a);
  if (o->json) put_json(a, &b, q, &f);
  else put_text(&b, q, &f);
  q->sink.write(q->sink.ctx, nc_buf_str(&b), b.n);
  return true;
}

NacreStatus nacre_diff(const char *a, const char *b, const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain_given(o, a && b && write, diff, &(Diff){{a, b}, {write, ctx}}, error);
}
