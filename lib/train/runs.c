// `nacre runs`: what was trained, in a table.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "train/plain.h"
#include "train/run.h"

typedef struct { const char *path, *state; json_t *record; } Row;
typedef struct { const char *folder; NcSink sink; NC_VEC(Row) row; } Runs;

static const char *text(const json_t *j, const char *key) {
  const char *s = json_string_value(json_object_get(j, key));
  return s ? s : "";
}

// A run that says that it is running, and that nobody has locked, was killed.
static const char *state(NcArena *a, const char *path, const json_t *j) {
  const char *told = text(j, "state");
  if (strcmp(told, "running") != 0) return nc_strdup(a, told);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  if (fd >= 0) close(fd);
  return held ? "running" : "killed";
}

// A folder without a run.json is no run; one whose run.json cannot be read is told as a warning.
static void take(NcArena *a, NcDiag *d, Runs *q, const char *path) {
  if (access(nc_sprintf(a, "%s/run.json", path), F_OK) != 0) return;
  NcDiag *quiet = nc_diag_new(a);
  json_t *j = nc_run_read(a, quiet, path);
  if (j) *NC_PUSH(a, q->row) = (Row){nc_strdup(a, path), state(a, path, j), j};
  else nc_warn(d, NC_E0604, NC_NOWHERE, "%s", quiet->messages.at[0]->text);
}

static int older(const void *x, const void *y) {
  const Row *a = x, *b = y;
  int order = strcmp(text(a->record, "created"), text(b->record, "created"));
  return order ? order : strcmp(a->path, b->path);
}

static const char *metrics(NcArena *a, const json_t *j) {
  NcBuf b = NC_BUF(a);
  const char *name;
  json_t *v;
  json_object_foreach(json_object_get(j, "metrics"), name, v)
    nc_putf(&b, json_is_number(v) ? "%s%s %.4g" : "%s%s -", b.n ? ", " : "", name, json_number_value(v));
  return b.n ? nc_buf_str(&b) : "-";
}

static const char *duration(NcArena *a, double s) {
  return s < 90 ? nc_sprintf(a, "%.1f s", s) : s < 5400 ? nc_sprintf(a, "%.0f min", s / 60) : nc_sprintf(a, "%.1f h", s / 3600);
}

// What a file says that anybody may have written: a terminal is not to obey it.
static const char *tame(NcArena *a, const char *s) {
  char *t = nc_strdup(a, s);
  for (char *c = t; *c; c++)
    if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
  return t;
}

static void table(NcArena *a, NcBuf *b, const Runs *q) {
  enum { COLUMNS = 7 };
  static const char *const title[COLUMNS] = {"run", "state", "model", "parameters", "steps", "time", "result"};
  const char *(*cell)[COLUMNS] = nc_alloc_array(a, (size_t)q->row.n + 1, sizeof *cell);
  int width[COLUMNS] = {0};
  memcpy(cell[0], title, sizeof title);
  for (int i = 0; i < q->row.n; i++) {
    const Row *r = &q->row.at[i];
    const json_t *j = r->record;
    const char *set[COLUMNS] = {
      r->path, r->state, text(j, "model"), nc_sprintf(a, "%lld", (long long)json_integer_value(json_object_get(j, "parameters"))),
      nc_sprintf(a, "%lld", (long long)json_integer_value(json_object_get(j, "steps"))),
      duration(a, json_number_value(json_object_get(j, "seconds"))), metrics(a, j)};
    memcpy(cell[i + 1], set, sizeof set);
  }
  for (int i = 0; i <= q->row.n; i++)
    for (int k = 0; k < COLUMNS; k++) cell[i][k] = tame(a, cell[i][k]);
  for (int i = 0; i <= q->row.n; i++)
    for (int k = 0; k < COLUMNS; k++)
      if ((int)strlen(cell[i][k]) > width[k]) width[k] = (int)strlen(cell[i][k]);
  for (int i = 0; i <= q->row.n; i++)
    for (int k = 0; k < COLUMNS; k++)
      nc_putf(b, k + 1 < COLUMNS ? "%-*s  " : "%.0d%s\n", k + 1 < COLUMNS ? width[k] : 0, cell[i][k]);
}

static void lines(NcBuf *b, const Runs *q) {
  for (int i = 0; i < q->row.n; i++) {
    json_t *j = q->row.at[i].record;
    json_object_set_new(j, "run", json_string(q->row.at[i].path));
    json_object_set_new(j, "state", json_string(q->row.at[i].state));
    char *s = json_dumps(j, JSON_COMPACT | JSON_SORT_KEYS);
    if (s) nc_putf(b, "%s\n", s);
    free(s);
  }
}

// The runs in a folder; and in those of its folders in which a network was trained with several seeds.
static bool find(NcArena *a, NcDiag *d, Runs *q, const char *folder) {
  DIR *dir = opendir(folder);
  for (struct dirent *e; dir && (e = readdir(dir));) {
    if (e->d_name[0] == '.') continue;
    const char *path = nc_sprintf(a, "%s/%s", folder, e->d_name);
    take(a, d, q, path);
    if (folder == q->folder && access(nc_sprintf(a, "%s/seeds.json", path), F_OK) == 0) find(a, d, q, path);
  }
  if (dir) closedir(dir);
  return dir != NULL;
}

static bool runs(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  Runs *q = arg;
  if (!find(a, d, q, q->folder)) {
    nc_help(d, nc_error(d, NC_E0601, NC_NOWHERE, "cannot read `%s`: %s", q->folder, strerror(errno)),
            "`nacre train FILE` writes its runs below `runs`; `nacre runs FOLDER` lists those below another one");
    return false;
  }
  take(a, d, q, q->folder);
  if (q->row.n > 1) qsort(q->row.at, (size_t)q->row.n, sizeof *q->row.at, older);
  NcBuf b = NC_BUF(a);
  if (o->json) lines(&b, q);
  else if (q->row.n) table(a, &b, q);
  else nc_putf(&b, "no runs in `%s`\n", q->folder);
  q->sink.write(q->sink.ctx, nc_buf_str(&b), b.n);
  for (int i = 0; i < q->row.n; i++) json_decref(q->row.at[i].record);
  return true;
}

NacreStatus nacre_runs(const char *folder, const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain_given(o, write, runs, &(Runs){.folder = folder ? folder : "runs", .sink = {write, ctx}}, error);
}
