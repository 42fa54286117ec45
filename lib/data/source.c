#include "data/source.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "base/map.h"
#include "io/csv.h"

static const NcSourceKind *const kinds[] = {
  &nc_csv_kind,    &nc_idx_kind, &nc_npy_kind,   &nc_text_kind,  &nc_series_kind, &nc_digits_kind,
  &nc_spiral_kind, &nc_circle_kind, &nc_xor_kind, &nc_gauss_kind, &nc_moons_kind,  &nc_plane_kind,
  &nc_images_kind, &nc_npz_kind, &nc_cifar_kind,
};
enum { KINDS = sizeof kinds / sizeof *kinds };

int nc_source_count(void) { return KINDS; }
const NcSourceInfo *nc_source_info(int i) { return &kinds[i]->info; }

static const NcSourceKind *kind_find(const char *name) {
  for (int i = 0; i < KINDS; i++)
    if (!strcmp(kinds[i]->info.name, name)) return kinds[i];
  return NULL;
}

const NcSourceInfo *nc_source_find(const char *kind) {
  const NcSourceKind *k = kind_find(kind);
  return k ? &k->info : NULL;
}

const char *nc_setting_kind_name(NcSettingKind k) {
  static const char *const names[] = {"a whole number", "a number", "`true` or `false`", "a text", "a list of texts"};
  return names[k];
}

// Words in lines of at most 96 columns.
static void paragraph(NcBuf *out, int indent, const char *text) {
  int column = 0;
  while (*text) {
    int n = (int)strcspn(text, " ");
    bool fits = column && column + 1 + n <= 96;
    if (column && !fits) nc_putc(out, '\n');
    nc_put_repeat(out, ' ', fits ? 1 : indent);
    nc_putn(out, text, (size_t)n);
    column = (fits ? column + 1 : indent) + n;
    text += n + strspn(text + n, " ");
  }
  nc_putc(out, '\n');
}

void nc_source_explain(NcBuf *out, const NcSourceInfo *s) {
  static const char *const types[] = {"int", "float", "bool", "str", "[str]"};
  nc_putf(out, "source %s: %s\n\n  source = %s\n\nfields\n", s->name, s->doc, s->example);
  paragraph(out, 2, s->fields);
  nc_put(out, "\nsettings\n");
  if (s->any_field) nc_putf(out, "  NAME: str\n      the %s of field NAME; any number of these\n", s->own_fields ? "array" : "file");
  for (int i = 0; i < s->settings; i++) {
    const NcSettingInfo *t = &s->setting[i];
    nc_putf(out, "  %s: %s", t->name, types[t->kind]);
    if (t->fallback && *t->fallback) nc_putf(out, " = %s", t->fallback);
    nc_put(out, t->fallback ? *t->fallback ? "\n" : "  (optional)\n" : "  (needed)\n");
    paragraph(out, 6, t->doc);
  }
}

// The default is written as a person would write it in .nn: 3, 0.1, true, "error", [].
static NcSetting fallback(NcArena *a, const NcSettingInfo *t) {
  NcSetting s = {.name = t->name, .kind = t->kind};
  const char *text = t->fallback ? t->fallback : "";
  double number = 0;
  nc_csv_number(text, &number);
  s.f = number;
  s.i = (int64_t)number;
  s.b = !strcmp(text, "true");
  s.s = *text == '"' ? nc_strndup(a, text + 1, strlen(text) - 2) : NULL;
  return s;
}

static NcMessage *wrong_kind(NcDiag *d, const NcSetting *given, const char *name, NcSettingKind want) {
  NcMessage *m = nc_error(d, NC_E0312, given->at, "`%s` must be %s", name, nc_setting_kind_name(want));
  nc_label(d, m, given->at, "this is %s", nc_setting_kind_name(given->kind));
  return m;
}

// The given value in the kind that the table asks for; whole numbers serve as numbers, one text as a list.
static bool accept(NcArena *a, NcDiag *d, const NcSettingInfo *t, const NcSetting *given, NcSetting *out) {
  *out = *given;
  out->name = t->name;
  out->kind = t->kind;
  if (given->kind == NC_SET_INT && t->kind == NC_SET_FLOAT) {
    out->f = (double)given->i;
  } else if (given->kind == NC_SET_STR && t->kind == NC_SET_STRS) {
    const char **one = NC_NEW(a, const char *);
    *one = given->s;
    out->strs = one;
    out->n = 1;
  } else if (given->kind != t->kind) {
    wrong_kind(d, given, t->name, t->kind);
    return false;
  }
  double v = t->kind == NC_SET_INT ? (double)out->i : out->f;
  bool number = t->kind == NC_SET_INT || t->kind == NC_SET_FLOAT;
  if (number && t->least < t->most && !(v >= t->least && v <= t->most)) {
    nc_error(d, NC_E0312, given->at, "`%s` must lie between %.12g and %.12g", t->name, t->least, t->most);
    return false;
  }
  if (t->choices) {
    size_t n = strlen(out->s);
    for (const char *p = t->choices, *end; *p; p = *end ? end + 1 : end) {
      end = p + strcspn(p, " ");
      if ((size_t)(end - p) == n && !memcmp(p, out->s, n)) return true;
    }
    nc_help(d, nc_error(d, NC_E0312, given->at, "`%s` cannot be \"%s\"", t->name, out->s), "it is one of: %s",
            t->choices);
    return false;
  }
  return true;
}

static int setting_find(const NcSourceInfo *s, const char *name) {
  for (int i = 0; i < s->settings; i++)
    if (!strcmp(s->setting[i].name, name)) return i;
  return -1;
}

static void unknown_setting(NcDiag *d, NcArena *a, const NcSourceInfo *s, const NcSetting *given) {
  const char **names = NC_NEW_N(a, const char *, s->settings + 1);
  NcBuf all = NC_BUF(a);
  for (int i = 0; i < s->settings; i++) {
    names[i] = s->setting[i].name;
    nc_putf(&all, "%s%s", i ? ", " : "", names[i]);
  }
  NcMessage *m = nc_error(d, NC_E0311, given->name_at, "source `%s` has no setting `%s`", s->name, given->name);
  const char *near = nc_nearest(given->name, names, s->settings);
  if (near) nc_help(d, m, "did you mean `%s`?", near);
  else nc_help(d, m, "it has: %s", nc_buf_str(&all));
}

// A field named by the user: NAME = "path".
static bool take_field(NcArgs *g, const NcSetting *given) {
  if (given->kind != NC_SET_STR) {
    nc_note(g->d, wrong_kind(g->d, given, given->name, NC_SET_STR),
            "a further setting of `%s` names a field and gives its file", g->info->name);
    return false;
  }
  for (int i = 0; i < g->fields; i++)
    if (!strcmp(g->field[i]->name, given->name)) {
      nc_error(g->d, NC_E0302, given->name_at, "`%s` is given twice", given->name);
      return false;
    }
  g->field[g->fields++] = given;
  return true;
}

static int positional(const NcSourceInfo *s, const bool *seen) {
  for (int i = 0; i < s->settings; i++)
    if (s->setting[i].positional && !seen[i]) return i;
  return -1;
}

const NcSourceKind *nc_source_bind(NcArena *a, NcDiag *d, const NcSourceSpec *spec, NcArgs *g) {
  const NcSourceKind *k = kind_find(spec->kind);
  if (!k) {
    const char *names[KINDS];
    for (int i = 0; i < KINDS; i++) names[i] = kinds[i]->info.name;
    NcMessage *m =
      nc_error(d, NC_E0301, spec->kind_at.file ? spec->kind_at : spec->at, "there is no source `%s`", spec->kind);
    const char *near = nc_nearest(spec->kind, names, KINDS);
    if (near) nc_help(d, m, "did you mean `%s`?", near);
    else nc_help(d, m, "there are csv, images, idx, npy, npz, text, series, digits, spiral and more: `nacre explain source` lists them");
    return NULL;
  }
  const NcSourceInfo *s = &k->info;
  NcSetting *value = NC_NEW_N(a, NcSetting, s->settings + 1);
  bool *seen = NC_NEW_N(a, bool, s->settings + 1), good = true;
  *g = (NcArgs){a, d, spec, s, value, seen, NC_NEW_N(a, const NcSetting *, spec->settings + 1), 0};
  for (int i = 0; i < s->settings; i++) value[i] = fallback(a, &s->setting[i]);
  for (int i = 0; i < spec->settings; i++) {
    const NcSetting *given = &spec->setting[i];
    int at = given->name ? setting_find(s, given->name) : positional(s, seen);
    if (at < 0 && !given->name) {
      nc_error(d, NC_E0305, given->at, "source `%s` takes its settings by name: `name = value`", s->name);
      good = false;
    } else if (at < 0 && s->any_field) {
      good = take_field(g, given) && good;
    } else if (at < 0) {
      unknown_setting(d, a, s, given);
      good = false;
    } else if (seen[at]) {
      nc_error(d, NC_E0302, given->name ? given->name_at : given->at, "`%s` is given twice", s->setting[at].name);
      good = false;
    } else {
      seen[at] = true;
      good = accept(a, d, &s->setting[at], given, &value[at]) && good;
    }
  }
  for (int i = 0; i < s->settings; i++)
    if (!seen[i] && !s->setting[i].fallback) {
      NcMessage *m = nc_error(d, NC_E0310, spec->at, "source `%s` needs the setting `%s`", s->name, s->setting[i].name);
      nc_help(d, m, "%s: %s", s->setting[i].name, s->setting[i].doc);
      good = false;
    }
  if (good && s->any_field && !s->own_fields && !g->fields) {
    nc_help(d, nc_error(d, NC_E0310, spec->at, "source `%s` names no field", s->name),
            "name each field with its file: `%s(image = \"images.%s\", label = \"labels.%s\")`", s->name, s->name,
            s->name);
    good = false;
  }
  return good ? k : NULL;
}

const NcSetting *nc_arg(const NcArgs *g, const char *name) { return &g->value[setting_find(g->info, name)]; }
bool nc_arg_given(const NcArgs *g, const char *name) { return g->given[setting_find(g->info, name)]; }

const char *nc_arg_path(const NcArgs *g, const NcSetting *s) {
  const char *dir = g->spec->dir;
  return dir && *dir && s->s[0] != '/' ? nc_sprintf(g->a, "%s/%s", dir, s->s) : s->s;
}

NcDataset *nc_dataset_new(const NcArgs *g, const NcFields *f, int64_t n) {
  NcDataset *set = NC_NEW(g->a, NcDataset);
  *set = (NcDataset){.n = n, .fields = f->n, .field = f->at, .at = g->spec->at};
  set->data = NC_NEW_N(g->a, void *, f->n);
  set->origin = NC_NEW_N(g->a, const char *, f->n);
  for (int i = 0; i < f->n; i++) set->data[i] = nc_alloc_array(g->a, (size_t)n, nc_field_bytes(&f->at[i]));
  return set;
}

NcDataset *nc_dataset_windows(const NcArgs *g, const NcFields *f) {
  NcDataset *set = NC_NEW(g->a, NcDataset);
  *set = (NcDataset){.n = f->examples, .fields = f->n, .field = f->at, .at = g->spec->at, .windows = f->windows};
  set->data = NC_NEW_N(g->a, void *, f->n);
  set->origin = NC_NEW_N(g->a, const char *, f->n);
  set->step = NC_NEW_N(g->a, size_t, f->n);
  return set;
}

bool nc_source_describe(NcArena *a, NcDiag *d, const NcSourceSpec *spec, NcFields *out) {
  NcArgs g;
  *out = (NcFields){0};
  const NcSourceKind *k = nc_source_bind(a, d, spec, &g);
  if (!k) return false;
  if (k->describe) return k->describe(&g, out);
  NcDataset *set = k->open(&g);
  if (set) *out = (NcFields){set->field, set->fields, set->n, set->windows};
  return set != NULL;
}

NcDataset *nc_source_open(NcArena *a, NcDiag *d, const NcSourceSpec *spec) {
  NcArgs g;
  const NcSourceKind *k = nc_source_bind(a, d, spec, &g);
  return k ? k->open(&g) : NULL;
}

int nc_field_find(const NcDataset *set, const char *name) {
  for (int i = 0; i < set->fields; i++)
    if (!strcmp(set->field[i].name, name)) return i;
  return -1;
}

// Windows: from the first one's begin to the last one's end.
int64_t nc_field_values(const NcDataset *set, int field) {
  const NcField *f = &set->field[field];
  if (!set->step) return set->n * nc_count(f->shape);
  int64_t begins = set->windows.positions - set->windows.span;
  return begins * (int64_t)(set->step[field] / nc_dtype_bytes(f->dtype)) + nc_count(f->shape);
}

size_t nc_field_bytes(const NcField *f) { return nc_type_bytes((NcType){f->dtype, f->shape}); }
