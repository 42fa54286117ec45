// What a `.nn` file says about its data, as plain data: filled in by the compiler, used by lib/data. Knows base only.
//
//   source = csv("iris.csv", label = "species")
//
// becomes { kind "csv", settings { NULL, "iris.csv" }, { "label", "species" } }. No name: positional.
#ifndef NC_SPEC_H
#define NC_SPEC_H
#include "base/diag.h"
#include "base/type.h"

typedef enum { NC_SET_INT, NC_SET_FLOAT, NC_SET_BOOL, NC_SET_STR, NC_SET_STRS, NC_SET_KINDS } NcSettingKind;

typedef struct {
  const char *name;          // NULL: positional
  NcRange name_at, at;       // of the name, of the value
  NcSettingKind kind;
  int64_t i;                 // the value, in the member of its kind
  double f;
  bool b;
  const char *s;
  const char *const *strs;   // [n]
  int n;
} NcSetting;

typedef struct {
  const char *kind;          // "idx", "csv", "spiral", …
  NcRange at;                // of the whole call
  NcRange kind_at;           // of the kind's name
  const char *dir;           // relative paths start here; NULL: the working directory
  double train[2];           // where the training part begins and ends, as fractions; both 0: all of it
  const NcSetting *setting;
  int settings;
} NcSourceSpec;

// What a source yields: named fields, one value of each per example.
typedef struct {
  const char *name;            // "image", "label", "x", "target"
  NcDtype dtype;               // u8 as stored, f32, or i32 (labels, tokens)
  NcShape shape;               // of one example: image [28,28], label []
  int64_t classes;             // labels: how many classes, 0 where not known; other fields 0
  const char *const *class_name;  // [classes], NULL where classes have no names
  const char *const *column;   // features of a table: [shape.dim[0]] "petal_length" or "island=Dream"; else NULL
  const char *tokens;          // how text becomes these tokens: "chars", "bytes" or "bpe"; NULL: they are none
  const char *tokenizer;       // bpe: what its tokenizer.json says
  const double *mean, *std;    // numbers of a series: of the training part, one for each column; else NULL
  int columns;                 // how many these are
} NcField;

// Examples either lie apart, one after the other, or are windows over positions in time: a window is `span` positions
// long, and the next one begins `stride` positions later.
typedef struct { int64_t positions, span, stride; } NcWindows;     // all 0: they lie apart

typedef struct {
  NcField *at;
  int n;
  int64_t examples;            // -1: not known before it is read
  NcWindows windows;
} NcFields;

static inline int64_t nc_windows_in(const NcWindows *w, int64_t positions) {
  return positions < w->span ? 0 : (positions - w->span) / w->stride + 1;
}

// Where a part of n ends whose fraction, with those before it, is `sum`. The small term: 0.1 + 0.2 is a little more
// than 0.3, and a half must not fall to either side by chance.
static inline int64_t nc_cut(int64_t n, double sum) {
  double v = (double)n * sum + 0.5 + 1e-6;
  return v >= (double)n ? n : (int64_t)v;
}

// split = (train = 0.8, valid = 0.1, test = 0.1), or (train = 500, test = 0.5)
typedef struct {
  const char *name;
  double fraction;
  NcRange at;
  int64_t count;             // examples; 0: the fraction says
} NcSplitPart;

// The table of source kinds: names, settings, defaults and documentation stand there and nowhere else.
typedef struct {
  const char *name;
  NcSettingKind kind;
  const char *fallback;      // the default as it would be written in .nn; NULL: must be given; "": may be absent
  const char *doc;
  bool positional;           // may be given without its name, in the table's order
  double least, most;        // bounds of a number, where least < most
  const char *choices;       // "drop mean error": the only texts allowed; NULL: any
} NcSettingInfo;

typedef struct {
  const char *name, *doc;    // one line
  const char *fields;        // the fields that it yields, for people
  const char *example;       // as written in .nn
  const NcSettingInfo *setting;
  int settings;
  bool any_field;            // any further setting is `field name = path`
  bool own_fields;           // and where none is given, the fields are the file's own
} NcSourceInfo;

int nc_source_count(void);
const NcSourceInfo *nc_source_info(int i);
const NcSourceInfo *nc_source_find(const char *kind);     // NULL when unknown

const char *nc_setting_kind_name(NcSettingKind k);        // "an integer", "a text", …
void nc_source_explain(NcBuf *out, const NcSourceInfo *s);
#endif
