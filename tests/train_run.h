// A small network that suites of training train, through nacre.h, and the files that this leaves.
#ifndef NC_TEST_TRAIN_RUN_H
#define NC_TEST_TRAIN_RUN_H
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tempdir.h"
#include "train/model.h"

// The call first: it may be what sets m.
#define expect_status(m, call, want) \
  do { \
    NacreStatus got_ = (call); \
    ck_assert_msg(got_ == (want), "status %d, not %d: %s", got_, want, m ? nacre_message(m) : "out of memory"); \
  } while (0)

static inline char *slurp(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  ck_assert_msg(f, "%s is missing", path);
  fseek(f, 0, SEEK_END);
  *size = (size_t)ftell(f);
  rewind(f);
  char *p = malloc(*size + 1);
  ck_assert_uint_eq(fread(p, 1, *size, f), *size);
  p[*size] = 0;
  fclose(f);
  return p;
}

static inline void same_bytes(const char *a, const char *b) {
  size_t n, k;
  char *p = slurp(a, &n), *q = slurp(b, &k);
  ck_assert_msg(n == k && memcmp(p, q, n) == 0, "%s and %s differ", a, b);
  free(p);
  free(q);
}

static const char small[] =
  "nn 1\n"
  "model net(hidden: int = 8)(x: f32[B, 2]) -> f32[B, 2] {\n"
  "  x |> batch_norm |> dense(hidden) |> tanh |> dropout(0.1) |> dense(2)\n"
  "}\n"
  "data points { source = spiral(n = 200, noise = 0.1); split = (train = 0.8, valid = 0.2) }\n"
  "train net on points {\n"
  "  loss = cross_entropy(net(x), label)\n"
  "  metrics = [accuracy(net(x), label)]\n"
  "  optimizer = adam(0.01)\n"
  "  batch = 32; epochs = 4; seed = 5\n"
  "}\n";

static inline NacreStatus run(const char *out, int64_t max_steps, const char *const *set, int sets, NacreModel **m) {
  NacreOptions o = {.set = set, .sets = sets};
  NacreStatus s = nacre_open_text("small.nn", small, sizeof small - 1, &o, m);
  NacreTrainOptions t = {.out = out, .max_steps = max_steps};
  return s == NACRE_OK ? nacre_train(*m, &t) : s;
}

#endif
