// CIFAR-10 and CIFAR-100 in their binary version. A record is a byte of label (CIFAR-100: two, the coarse one first) and the
// image's red, green and blue planes.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "base/file.h"
#include "data/source.h"

enum { SIDE = 32, IMAGE = 3 * SIDE * SIDE };

static const NcSettingInfo settings[] = {
  {"path", NC_SET_STR, NULL, "the folder cifar-10-batches-bin or cifar-100-binary, or one file of it", .positional = true},
  {"part", NC_SET_STR, "\"all\"", "\"train\" or \"test\"; \"all\": those for training, then those for the test",
   .choices = "all train test"},
  {"labels", NC_SET_STR, "\"fine\"", "of CIFAR-100: \"fine\" has 100 classes, \"coarse\" 20", .choices = "fine coarse"},
};

typedef struct { const char *path; int64_t examples; } File;
typedef struct {
  const NcArgs *g;
  NcRange at;
  const char *path;
  bool hundred, coarse;
  NC_VEC(File) file;
  int64_t examples;
} Cifar;

static bool is_there(const char *path, struct stat *s) { return stat(path, s) == 0 && S_ISREG(s->st_mode); }

static bool add(Cifar *c, const char *path, const struct stat *s) {
  int64_t record = IMAGE + (c->hundred ? 2 : 1), n = s->st_size / record;
  if (n && s->st_size % record == 0) {
    *NC_PUSH(c->g->a, c->file) = (File){path, n};
    c->examples += n;
    return true;
  }
  NcMessage *m = nc_error(c->g->d, NC_E0402, c->at, "`%s` has %lld bytes, which is no number of records of %lld", path,
                          (long long)s->st_size, (long long)record);
  nc_help(c->g->d, m, "it is cut off, or not of the binary version: fetch the archive \"%s\" again",
          c->hundred ? "cifar-100-binary.tar.gz" : "cifar-10-binary.tar.gz");
  return false;
}

static const struct { const char *name; bool hundred, test; } files[] = {
  {"data_batch_1.bin", false, false}, {"data_batch_2.bin", false, false}, {"data_batch_3.bin", false, false},
  {"data_batch_4.bin", false, false}, {"data_batch_5.bin", false, false}, {"test_batch.bin", false, true},
  {"train.bin", true, false},         {"test.bin", true, true}};
enum { FILES = sizeof files / sizeof *files };

bool nc_cifar_named(const char *name) {
  for (int i = 0; i < FILES; i++)
    if (!strcmp(files[i].name, name)) return true;
  return false;
}

// The files of a folder, in order: of which set it is shows by their names.
static bool folder(Cifar *c) {
  const char *part = nc_arg(c->g, "part")->s;
  for (int i = 0; i < FILES; i++) {
    const char *path = nc_sprintf(c->g->a, "%s/%s", c->path, files[i].name);
    struct stat s;
    bool other = files[i].hundred != c->hundred && c->file.n, unwanted = part[0] != 'a' && files[i].test != (part[1] == 'e');
    if (other || unwanted || !is_there(path, &s)) continue;
    c->hundred = files[i].hundred;
    if (!add(c, path, &s)) return false;
  }
  if (c->file.n) return true;
  nc_help(c->g->d, nc_error(c->g->d, NC_E0401, c->at, "the folder `%s` has no file of CIFAR for `%s`", c->path, part),
          "it holds data_batch_1.bin and so on, or train.bin and test.bin: the binary version, unpacked");
  return false;
}

// A setting that the data leave no choice for.
static bool no_choice(const Cifar *c, const char *setting, const char *fallback, const char *why, const char *mend) {
  const NcSetting *s = nc_arg(c->g, setting);
  if (!strcmp(s->s, fallback)) return true;
  NcMessage *m = nc_error(c->g->d, NC_E0312, s->at, "`%s = \"%s\"` chooses nothing: `%s` is %s", setting, s->s, c->path, why);
  nc_help(c->g->d, m, "%s", mend);
  return false;
}

static bool find(const NcArgs *g, Cifar *c) {
  const NcSetting *path = nc_arg(g, "path");
  struct stat s;
  *c = (Cifar){.g = g, .at = path->at, .path = nc_arg_path(g, path)};
  if (stat(c->path, &s) != 0) {
    nc_help(g->d, nc_error(g->d, NC_E0401, c->at, "cannot open `%s`: %s", c->path, strerror(errno)),
            "give the folder's path as seen from the folder in which nacre runs");
    return false;
  }
  bool one = !S_ISDIR(s.st_mode);
  if (one) c->hundred = s.st_size % (IMAGE + 1) != 0 && s.st_size % (IMAGE + 2) == 0;
  if (one ? !add(c, c->path, &s) : !folder(c)) return false;
  if (one && !no_choice(c, "part", "all", "one file", "leave `part` out, or give the folder")) return false;
  if (!c->hundred && !no_choice(c, "labels", "fine", "CIFAR-10, with one kind of labels", "leave `labels` out, or give the folder of CIFAR-100"))
    return false;
  c->coarse = c->hundred && nc_arg(g, "labels")->s[0] == 'c';
  return true;
}

// Names of the classes, a line for each, where the file beside the data is as it should be.
static const char *const *names(const Cifar *c, int64_t classes) {
  NcArena *a = c->g->a;
  struct stat s;
  const char *slash = strrchr(c->path, '/');
  const char *place = stat(c->path, &s) == 0 && S_ISDIR(s.st_mode) ? c->path : slash ? nc_strndup(a, c->path, (size_t)(slash - c->path)) : ".";
  const char *path = nc_sprintf(a, "%s/%s", place, !c->hundred ? "batches.meta.txt" : c->coarse ? "coarse_label_names.txt" : "fine_label_names.txt");
  size_t size;
  const char *text = is_there(path, &s) && s.st_size < 65536
                       ? nc_read_file(a, nc_diag_new(a), NC_E0601, NC_NOWHERE, path, &size) : NULL;
  const char **list = NC_NEW_N(a, const char *, classes);
  int64_t n = 0;
  while (text && *text) {
    size_t line = strcspn(text, "\r\n");
    if (line && n == classes) return NULL;
    if (line) list[n++] = nc_strndup(a, text, line);
    text += line + (text[line] != 0);
  }
  return n == classes ? list : NULL;
}

static void fields(const Cifar *c, NcFields *out) {
  int64_t classes = !c->hundred ? 10 : c->coarse ? 20 : 100;
  *out = (NcFields){NC_NEW_N(c->g->a, NcField, 2), 2, c->examples};
  out->at[0] = (NcField){.name = "image", .dtype = NC_U8, .shape = NC_SHAPE(3, SIDE, SIDE)};
  out->at[1] = (NcField){.name = "label", .dtype = NC_I32, .classes = classes, .class_name = names(c, classes)};
}

static bool describe(const NcArgs *g, NcFields *out) {
  Cifar c;
  if (!find(g, &c)) return false;
  fields(&c, out);
  return true;
}

static bool read_file(const Cifar *c, const File *f, unsigned char *image, int32_t *label) {
  FILE *in = fopen(f->path, "rb");
  bool good = in != NULL;
  for (int64_t i = 0; good && i < f->examples; i++) {
    unsigned char head[2];
    good = fread(head, c->hundred ? 2 : 1, 1, in) == 1 && fread(image + i * IMAGE, IMAGE, 1, in) == 1;
    label[i] = head[c->hundred && !c->coarse ? 1 : 0];
  }
  if (!good) nc_error(c->g->d, NC_E0401, c->at, "cannot read `%s`: %s", f->path, in && feof(in) ? "it became shorter" : strerror(errno));
  if (in) fclose(in);
  return good;
}

static NcDataset *cifar_open(const NcArgs *g) {
  Cifar c;
  NcFields f;
  if (!find(g, &c)) return NULL;
  fields(&c, &f);
  NcDataset *set = nc_dataset_new(g, &f, c.examples);
  unsigned char *image = set->data[0];
  int32_t *label = set->data[1];
  for (int i = 0; i < c.file.n; i++) {
    if (!read_file(&c, &c.file.at[i], image, label)) return NULL;
    image += c.file.at[i].examples * IMAGE;
    label += c.file.at[i].examples;
  }
  set->origin[0] = set->origin[1] = c.path;
  return set;
}

const NcSourceKind nc_cifar_kind = {
  {"cifar", "CIFAR-10 or CIFAR-100, as their binary version unpacks",
   "image: u8[3, 32, 32]; label: i32, of 10 classes, or of CIFAR-100's 100 (20 coarse ones), named where the lists of names lie beside",
   "cifar(\"cifar-10-batches-bin\", part = \"train\")", NC_SETTINGS(settings)},
  describe, cifar_open,
};
