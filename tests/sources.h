// Data sources as tests open them: settings in a list, files of their own.
#ifndef NC_TEST_SOURCES_H
#define NC_TEST_SOURCES_H
#include "data/data.h"
#include "tempdir.h"

#define INT(id, v) {.name = id, .kind = NC_SET_INT, .i = (v)}
#define FLOAT(id, v) {.name = id, .kind = NC_SET_FLOAT, .f = (v)}
#define BOOL(id, v) {.name = id, .kind = NC_SET_BOOL, .b = (v)}
#define STR(id, v) {.name = id, .kind = NC_SET_STR, .s = (v)}
#define STRS(id, ...) \
  {.name = id, .kind = NC_SET_STRS, .strs = (const char *const[]){__VA_ARGS__}, \
   .n = sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)}
#define SPEC(id, ...)                                                  \
  (NcSourceSpec) {                                                     \
    .kind = id, .setting = (NcSetting[]){__VA_ARGS__},                 \
    .settings = sizeof((NcSetting[]){__VA_ARGS__}) / sizeof(NcSetting) \
  }

static inline NcDataset *open_good(NcSourceSpec spec) {
  NcFields f;
  ck_assert_msg(nc_source_describe(arena, diag, &spec, &f), "%s", messages(diag));
  NcDataset *set = nc_source_open(arena, diag, &spec);
  ck_assert_msg(set != NULL, "%s", messages(diag));
  ck_assert_int_eq(set->fields, f.n);                  // what is described is what comes
  if (f.examples >= 0) ck_assert_int_eq(set->n, f.examples);
  for (int i = 0; i < f.n; i++) {
    ck_assert_str_eq(set->field[i].name, f.at[i].name);
    ck_assert_int_eq(set->field[i].dtype, f.at[i].dtype);
    ck_assert(nc_shape_eq(set->field[i].shape, f.at[i].shape));
    ck_assert_int_eq(set->field[i].classes, f.at[i].classes);
  }
  return set;
}

static inline const char *file_of(const void *bytes, size_t n) {   // each of its own name
  static int made;
  return nc_strdup(arena, temp_write(nc_sprintf(arena, "t%d", made++), bytes, n));
}
static inline const char *file(const char *text) { return file_of(text, strlen(text)); }
#endif
