#include "data/guard.h"
#include <string.h>
#include "base/map.h"

enum { LOPSIDED = 10 };        // a class with so many times the examples of another one deserves a word

static const NcSplit *part_named(const NcSplit *part, int parts, const char *name) {
  for (int i = 0; i < parts; i++)
    if (!strcmp(part[i].name, name)) return &part[i];
  return NULL;
}

static const char *class_name(NcDiag *d, const NcField *f, int64_t c) {
  return f->class_name ? nc_sprintf(d->arena, "`%s`", f->class_name[c]) : nc_sprintf(d->arena, "%lld", (long long)c);
}

// ---- what never changes

static bool never_changes(const NcDataset *set, int field, int64_t element, const NcSplit *part) {
  size_t bytes = nc_dtype_bytes(set->field[field].dtype), at = (size_t)element * bytes;
  int64_t n = part ? part->n : set->n;
  const char *first = nc_field_at(set, field, part ? part->index[0] : 0);
  for (int64_t i = 1; i < n; i++)
    if (memcmp((const char *)nc_field_at(set, field, part ? part->index[i] : i) + at, first + at, bytes)) return false;
  return n > 1;
}

// Columns of numbers; points of an image may well be the same in all of them.
static bool constant_columns(NcDiag *d, const NcDataset *set, int field, NcUse use) {
  const NcField *f = &set->field[field];
  int64_t each = nc_count(f->shape), same = 0, first = -1;
  for (int64_t j = 0; j < each; j++)
    if (never_changes(set, field, j, NULL) && same++ == 0) first = j;
  if (!same) return true;
  const char *which = f->column ? nc_sprintf(d->arena, "the column `%s`", f->column[first])
                                : nc_sprintf(d->arena, "element %lld of `%s`", (long long)first, f->name);
  if (same == each && use == NC_USED) {
    nc_help(d, nc_error(d, NC_E0413, set->at, "`%s` is the same in all %lld examples", f->name, (long long)set->n),
            "nothing can be told from it: is this the right file?");
    return false;
  }
  NcMessage *m = same == 1 ? nc_warn(d, NC_E0404, set->at, "%s has the same value in all examples", which)
                           : nc_warn(d, NC_E0404, set->at, "%s and %lld more have the same value in all examples", which,
                                     (long long)same - 1);
  nc_help(d, m, "leave out what tells nothing, or find out why it does not change");
  return true;
}

// A number that is to be learned, or a label.
static bool same_everywhere(NcDiag *d, const NcDataset *set, int field, const NcSplit *train) {
  if (!train || !never_changes(set, field, 0, train)) return true;
  const NcField *f = &set->field[field];
  nc_help(d, nc_error(d, NC_E0413, set->at, "`%s` is the same in all %lld examples of `train`", f->name, (long long)train->n),
          "a network that says nothing else would be right: is this the right file, or column?");
  return false;
}

// ---- classes

static int64_t *count(NcDiag *d, const NcDataset *set, int field, const NcSplit *part) {
  const int32_t *v = set->data[field];
  int64_t classes = set->field[field].classes, *n = NC_NEW_N(d->arena, int64_t, classes);
  for (int64_t i = 0; i < (part ? part->n : set->n); i++) {
    int32_t c = v[part ? part->index[i] : i];
    if (c >= 0 && c < classes) n[c]++;
  }
  return n;
}

static void empty_classes(NcDiag *d, const NcDataset *set, int field, const int64_t *all, const int64_t *train) {
  const NcField *f = &set->field[field];
  int64_t none = 0, first = -1, unseen = 0, first_unseen = -1;
  for (int64_t c = 0; c < f->classes; c++) {
    if (!all[c] && none++ == 0) first = c;
    if (all[c] && train && !train[c] && unseen++ == 0) first_unseen = c;
  }
  if (none) {
    NcMessage *m = nc_warn(d, NC_E0406, set->at, "%lld of the %lld classes of `%s` have no example, the first is %s",
                           (long long)none, (long long)f->classes, f->name, class_name(d, f, first));
    nc_help(d, m, "the network has an output for each: number the labels from 0 on without gaps, or find the examples");
  }
  if (unseen) {
    NcMessage *m = nc_warn(d, NC_E0406, set->at, "%lld of the %lld classes of `%s` have no example in `train`, the first is %s",
                           (long long)unseen, (long long)f->classes, f->name, class_name(d, f, first_unseen));
    nc_help(d, m, "`split_by = %s` gives each part its share of every class", f->name);
  }
}

static void lopsided(NcDiag *d, const NcDataset *set, int field, const int64_t *n) {
  const NcField *f = &set->field[field];
  int64_t most = 0, least = -1;
  for (int64_t c = 0; c < f->classes; c++) {
    if (n[c] > n[most]) most = c;
    if (n[c] && (least < 0 || n[c] < n[least])) least = c;
  }
  if (least < 0 || n[most] < LOPSIDED * n[least]) return;
  NcMessage *m = nc_warn(d, NC_E0415, set->at, "class %s of `%s` has %lld examples in training, class %s only %lld",
                         class_name(d, f, most), f->name, (long long)n[most], class_name(d, f, least), (long long)n[least]);
  nc_help(d, m, "`balance = %s` draws from all classes alike; and look at more than the accuracy, which hides small classes",
          f->name);
}

// ---- examples that stand in two parts

static uint64_t hash_of(const NcDataset *set, int64_t example) {
  uint64_t h = 0;
  for (int i = 0; i < set->fields; i++) h = nc_hash64(h, nc_field_at(set, i, example), nc_field_bytes(&set->field[i]));
  return h | 1;                // 0 is a free place
}

static bool same_example(const NcDataset *set, int64_t x, int64_t y) {
  for (int i = 0; i < set->fields; i++)
    if (memcmp(nc_field_at(set, i, x), nc_field_at(set, i, y), nc_field_bytes(&set->field[i]))) return false;
  return true;
}

typedef struct { uint64_t hash; int64_t example; } Place;

// Where it stands, or where it may be put.
static Place *look_up(const NcDataset *set, Place *table, uint64_t mask, uint64_t hash, int64_t example) {
  for (uint64_t i = hash >> 1;; i++) {
    Place *p = &table[i & mask];
    if (!p->hash || (p->hash == hash && same_example(set, p->example, example))) return p;
  }
}

typedef struct { int64_t shared, mine, other; } Twins;      // of a part: how many, the first one, and which it is in training

static void find_twins(NcArena *scratch, const NcDataset *set, const NcSplit *train, const NcSplit *part, int parts, Twins *out) {
  uint64_t size = 4;
  while (size < 2 * (uint64_t)train->n) size *= 2;
  Place *table = NC_NEW_N(scratch, Place, size);
  for (int64_t i = 0; i < train->n; i++) {
    uint64_t h = hash_of(set, train->index[i]);
    *look_up(set, table, size - 1, h, train->index[i]) = (Place){h, train->index[i]};
  }
  for (int k = 0; k < parts; k++)
    for (int64_t i = 0; &part[k] != train && i < part[k].n; i++) {
      int64_t example = part[k].index[i];
      const Place *p = look_up(set, table, size - 1, hash_of(set, example), example);
      if (p->hash && out[k].shared++ == 0) out[k].mine = example, out[k].other = p->example;
    }
}

// The table is large, and of no use once it was asked: it lies in memory of its own.
static void overlap(NcDiag *d, const NcDataset *set, const NcSplit *train, const NcSplit *part, int parts) {
  Twins *twins = NC_NEW_N(d->arena, Twins, parts);
  NcArena *scratch = nc_arena_new();
  if (!scratch || NC_ON_OOM(scratch)) {
    nc_arena_free(scratch);
    longjmp(*nc_arena_oom(d->arena), 1);
  }
  find_twins(scratch, set, train, part, parts, twins);
  nc_arena_free(scratch);
  for (int k = 0; k < parts; k++) {
    const Twins *t = &twins[k];
    if (t->shared < 2 || t->shared * 100 < part[k].n) continue;    // a twin or two is chance
    NcMessage *m = nc_warn(d, NC_E0414, set->at, "%lld of the %lld examples of `%s` are in `train` too: example %lld is example %lld",
                           (long long)t->shared, (long long)part[k].n, part[k].name, (long long)t->mine, (long long)t->other);
    nc_help(d, m, "the score on `%s` will flatter the network: remove the copies from the data", part[k].name);
  }
}

bool nc_data_guard(NcDiag *d, const NcDataset *set, const NcSplit *part, int parts, const NcUse *use, bool balanced) {
  if (set->windows.span) return true;      // over time, neighbours share most of what they see
  const NcSplit *train = part_named(part, parts, "train");
  bool good = true;
  for (int i = 0; i < set->fields; i++) {
    const NcField *f = &set->field[i];
    bool number = f->dtype == NC_F32 && f->shape.rank == 1, label = f->classes > 0 && f->shape.rank == 0;
    if (number) good = constant_columns(d, set, i, use[i]) && good;
    if (use[i] == NC_LEARNED && f->shape.rank == 0) good = same_everywhere(d, set, i, train) && good;
    if (!label || !good) continue;
    const int64_t *all = count(d, set, i, NULL), *mine = train ? count(d, set, i, train) : NULL;
    empty_classes(d, set, i, all, mine);
    if (use[i] != NC_UNUSED && !balanced) lopsided(d, set, i, mine ? mine : all);
  }
  if (train && good) overlap(d, set, train, part, parts);
  return good;
}
