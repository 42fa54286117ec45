// `nacre new`: what kind of data there is, and the model's text, laid out.
#include "train/new.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "data/data.h"

typedef struct { const char *path, *target; NcSink sink; } Job;

void nc_new_remark(NcBuf *b, const char *s) {
  for (; *s; s++) nc_putc(b, (unsigned char)*s < ' ' || *s == 0x7f ? ' ' : *s);
}

void nc_new_head(NcNew *w, const char *what, int64_t n) {
  nc_putf(&w->out, "nn 1\n# Made by `nacre new` from %lld ", (long long)n);
  nc_new_remark(&w->out, what);
  nc_put(&w->out, ". Change what you like.\n#   nacre train FILE    trains it\n"
                  "#   nacre eval RUN      measures it on the part `test`, which training never sees\n\n");
}

bool nc_new_enough(NcNew *w, int64_t n) {
  enum { FEWEST = 20 };
  if (n >= FEWEST) return true;
  nc_error(w->d, NC_E0406, NC_NOWHERE, "`%s` has %lld examples; to train, validate and test it takes %d at least", w->path,
           (long long)n, FEWEST);
  return false;
}

int64_t nc_new_batch(int64_t n, int64_t most) {
  int64_t b = 4;
  while (b * 2 <= most && b * 2 * 10 <= n) b *= 2;
  return b;
}

int64_t nc_new_epochs(int64_t n, int64_t batch, int64_t steps) {
  int64_t e = steps / (n / batch > 0 ? n / batch : 1);
  return e < 3 ? 3 : e > 100 ? 100 : e;
}

// The data's file name without its endings, as an identifier.
static const char *identifier(NcArena *a, const char *path) {
  size_t n = strlen(path);
  while (n > 1 && path[n - 1] == '/') n--;
  size_t from = n;
  while (from > 0 && path[from - 1] != '/') from--;
  NcBuf b = NC_BUF(a);
  for (size_t i = from; i < n && (path[i] != '.' || i == from) && b.n < 24; i++) {
    if (b.n && (strncmp(path + i, "images", 6) == 0 || strncmp(path + i, "idx", 3) == 0)) break;   // of train-images-idx3-ubyte the first word
    bool word = isalnum((unsigned char)path[i]);
    if (word && !b.n && isdigit((unsigned char)path[i])) nc_put(&b, "d");
    if (word) nc_putc(&b, (char)tolower((unsigned char)path[i]));
    else if (b.n && b.at[b.n - 1] != '_') nc_putc(&b, '_');
  }
  while (b.n && b.at[b.n - 1] == '_') b.at[--b.n] = 0;
  return b.n ? nc_buf_str(&b) : "my";
}

static bool ends(const char *s, const char *end) {
  size_t n = strlen(s), m = strlen(end);
  return n > m && strcasecmp(s + n - m, end) == 0;
}

// The name in a folder that `better` puts before all others there. NULL: it has none that is wanted.
static const char *inside(NcNew *w, bool (*better)(const char *name, const char *than)) {
  DIR *dir = opendir(w->path);
  char found[256] = "";
  for (struct dirent *e; dir && (e = readdir(dir));)
    if (strlen(e->d_name) < sizeof found && better(e->d_name, *found ? found : NULL)) strcpy(found, e->d_name);
  if (dir) closedir(dir);
  return *found ? nc_sprintf(w->a, "%s/%s", w->path, found) : NULL;
}

// Of IDX files that of the images, that for training if there are two.
static bool better_idx(const char *name, const char *than) {
  if (!strstr(name, "images") || !strstr(name, "idx")) return false;
  return !than || strstr(name, "train") || (!strstr(than, "train") && strcmp(name, than) < 0);
}
static bool better_cifar(const char *name, const char *than) { return !than && nc_cifar_named(name); }

static bool look(NcNew *w) {
  struct stat s;
  if (stat(w->path, &s) != 0) {
    nc_error(w->d, NC_E0401, NC_NOWHERE, "cannot open `%s`: %s", w->path, strerror(errno));
    return false;
  }
  bool folder = S_ISDIR(s.st_mode), table = !folder && (ends(w->path, ".csv") || ends(w->path, ".tsv") || ends(w->path, ".txt"));
  if (w->target && !table) {
    nc_error(w->d, NC_E0704, NC_NOWHERE, "--target names a column of a CSV file, and `%s` is none", w->path);
    return false;
  }
  if (table) return nc_new_table(w);
  const char *idx = folder ? inside(w, better_idx) : strstr(w->path, "idx") ? w->path : NULL;
  if (idx) return w->path = idx, nc_new_arrays(w, true);
  if (folder ? inside(w, better_cifar) != NULL : ends(w->path, ".bin")) return nc_new_cifar(w);
  if (folder) return nc_new_images(w);
  if (ends(w->path, ".npy")) return nc_new_arrays(w, false);
  if (ends(w->path, ".npz")) return nc_new_npz(w);
  nc_help(w->d, nc_error(w->d, NC_E0402, NC_NOWHERE, "`%s` is of no kind that is known by its name", w->path),
          "it may be a .csv file, an IDX file (train-images-idx3-ubyte.gz), a .npy or .npz file, CIFAR's .bin files, or a folder of images");
  return false;
}

static void append(void *ctx, const char *text, size_t n) { nc_putn(ctx, text, n); }

static bool create(NcArena *a, NcDiag *d, const NacreOptions *o, void *arg) {
  Job *q = arg;
  NcNew w = {.a = a, .d = d, .path = q->path, .target = q->target, .name = identifier(a, q->path), .out = NC_BUF(a)};
  NcBuf laid_out = NC_BUF(a);
  if (!look(&w)) return false;
  char *error = NULL;
  if (nacre_format("new.nn", nc_buf_str(&w.out), w.out.n, false, o, append, &laid_out, &error) != NACRE_OK) {
    nc_error(d, NC_E0602, NC_NOWHERE, "no model could be written for `%s`: %s", q->path, error ? error : "");
    nacre_free(error);
    return false;
  }
  q->sink.write(q->sink.ctx, nc_buf_str(&laid_out), laid_out.n);
  return true;
}

NacreStatus nacre_new(const char *data, const char *target, const NacreOptions *o, NacreWrite *write, void *ctx, char **error) {
  return nc_plain_given(o, data && write, create, &(Job){data, target, {write, ctx}}, error);
}
