// What is looked at before training, splits, shuffles and the loader.
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include "base/map.h"
#include "data/guard.h"
#include "data/loader.h"
#include "data/split.h"
#include "sources.h"


// ---- checks ----
static NcDataset *by_hand(float *x, int32_t *y, int64_t n, int64_t classes) {
  NcDataset *s = NC_NEW(arena, NcDataset);
  static const char *const column[] = {"p", "q"};
  s->n = n;
  s->fields = 2;
  s->field = NC_NEW_N(arena, NcField, 2);
  s->field[0] = (NcField){.name = "x", .dtype = NC_F32, .shape = NC_SHAPE(2), .column = column};
  s->field[1] = (NcField){.name = "label", .dtype = NC_I32, .classes = classes};
  s->data = NC_NEW_N(arena, void *, 2);
  s->data[0] = x;
  s->data[1] = y;
  s->origin = NC_NEW_N(arena, const char *, 2);
  return s;
}

START_TEST(test_check) {
  float x[6] = {1, 2, 3, NAN, 5, 6};
  int32_t y[3] = {0, 1, 2};
  NcDataset *s = by_hand(x, y, 3, 3);
  uint64_t before = nc_data_hash(s);
  ck_assert(!nc_data_check(diag, s));
  expect_error(NC_E0404, "`x` of example 1, column `q`, is not a number (NaN)");
  x[3] = INFINITY;
  ck_assert(!nc_data_check(diag, s));
  expect_error(NC_E0404, "is infinite");
  x[3] = 4;
  ck_assert(nc_data_hash(s) != before);
  ck_assert(nc_data_check(diag, s));
  y[1] = 3;
  ck_assert(!nc_data_check(diag, s));
  expect_error(NC_E0403, "labels start at 0");
  y[1] = -1;
  ck_assert(!nc_data_check(diag, s));
  expect_error(NC_E0403, "`label` of example 1 is -1");
  y[1] = 1;
  ck_assert(nc_data_check_labels(diag, s, 1, 3, 0, NULL));
  ck_assert(nc_data_check_labels(diag, s, 1, 2, 1, (double[]){2}));
  ck_assert(!nc_data_check_labels(diag, s, 1, 2, 1, (double[]){-1}));
  expect_error(NC_E0403, "`label` of example 2 is 2, but there are 2 classes");
  x[2] = x[4] = x[0];
  s->field[1].classes = 5;
  ck_assert(nc_data_guard(diag, s, NULL, 0, (NcUse[]){NC_USED, NC_LEARNED}, false));
  ck_assert_int_eq(diag->messages.n, 2);
  ck_assert_int_eq(diag->errors, 0);
  ck_assert_str_eq(diag->messages.at[0]->text, "the column `p` has the same value in all examples");
  ck_assert_str_eq(diag->messages.at[1]->text, "2 of the 5 classes of `label` have no example, the first is 3");
}
END_TEST

// ---- what makes a training teach little ----
enum { MANY = 60 };
static float many_x[2 * MANY];
static int32_t many_y[MANY];
static int64_t many_order[MANY];

// Different examples of three classes by turns: forty to train on, twenty to test.
static NcDataset *many(NcSplit part[2]) {
  for (int i = 0; i < MANY; i++) {
    many_x[2 * i] = (float)i;
    many_x[2 * i + 1] = (float)(i % 7);
    many_y[i] = i % 3;
    many_order[i] = i;
  }
  part[0] = (NcSplit){.name = "train", .index = many_order, .n = 40};
  part[1] = (NcSplit){.name = "test", .index = many_order + 40, .n = 20};
  return by_hand(many_x, many_y, MANY, 3);
}

static const NcUse learned[] = {NC_USED, NC_LEARNED};

START_TEST(test_guard_classes) {
  NcSplit part[2];
  NcDataset *s = many(part);
  ck_assert(nc_data_guard(diag, s, part, 2, learned, false));
  ck_assert_int_eq(diag->messages.n, 0);
  for (int i = 0; i < MANY; i++) many_y[i] = i % 20 == 0 ? 1 : i == 50 ? 2 : 0;   // 38 to 2 in training, and one in test alone
  ck_assert(nc_data_guard(diag, s, part, 2, learned, false));
  ck_assert_int_eq(diag->messages.n, 2);
  ck_assert_str_eq(diag->messages.at[0]->text, "1 of the 3 classes of `label` have no example in `train`, the first is 2");
  ck_assert_str_eq(diag->messages.at[1]->text, "class 0 of `label` has 38 examples in training, class 1 only 2");
  ck_assert_int_eq(diag->errors, 0);
  diag->messages.n = 0;
  for (int i = 0; i < 40; i++) many_y[i] = 1;
  ck_assert(!nc_data_guard(diag, s, part, 2, learned, false));
  expect_error(NC_E0413, "`label` is the same in all 40 examples of `train`");
  ck_assert(nc_data_guard(diag, s, part, 2, (NcUse[]){NC_USED, NC_USED}, false));      // what learns no label may have one class
}
END_TEST

START_TEST(test_guard_columns) {
  NcSplit part[2];
  NcDataset *s = many(part);
  for (int i = 0; i < MANY; i++) many_x[2 * i + 1] = 3;
  ck_assert(nc_data_guard(diag, s, part, 2, learned, false));
  ck_assert_int_eq(diag->messages.n, 1);
  ck_assert_str_eq(diag->messages.at[0]->text, "the column `q` has the same value in all examples");
  for (int i = 0; i < MANY; i++) many_x[2 * i] = 3;
  ck_assert(!nc_data_guard(diag, s, part, 2, learned, false));
  expect_error(NC_E0413, "`x` is the same in all 60 examples");
}
END_TEST

// Labels of 12 examples: 8, 3 and 1.
static const int32_t uneven[12] = {0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 1, 0};

START_TEST(test_split_by) {
  NcSplitPart part[2] = {{"train", 0.5, {0}}, {"test", 0.5, {0}}};
  NcSplit out[2], again[2];
  float x[24];
  int32_t y[12];
  for (int i = 0; i < 12; i++) x[2 * i] = (float)i, x[2 * i + 1] = 0, y[i] = uneven[i];
  NcDataset *s = by_hand(x, y, 12, 3);
  for (uint64_t seed = 0; seed < 20; seed++) {
    ck_assert(nc_split_by(arena, diag, s, "label", seed, NC_NOWHERE, part, 2, out));
    ck_assert(nc_split_by(arena, diag, s, "label", seed, NC_NOWHERE, part, 2, again));
    ck_assert_mem_eq(out[0].index, again[0].index, 12 * sizeof(int64_t));
    int count[3] = {0}, seen[12] = {0};
    for (int i = 0; i < 6; i++) count[uneven[out[0].index[i]]]++;
    for (int i = 0; i < 12; i++) ck_assert_int_eq(seen[out[0].index[i]]++, 0);
    ck_assert_int_eq(count[0], 4);
    ck_assert(count[1] == 1 || count[1] == 2);
  }
  ck_assert(nc_split_by(arena, diag, s, "order", 1, NC_NOWHERE, part, 2, out));
  for (int i = 0; i < 12; i++) ck_assert_int_eq(out[0].index[i], i);
  s->field[0] = (NcField){.name = "when", .dtype = NC_F32};      // x[0] … x[11]: 0 0 1 0 2 0 …
  ck_assert(nc_split_by(arena, diag, s, "when", 1, NC_NOWHERE, part, 2, out));
  for (int i = 1; i < 12; i++) {
    int64_t before = out[0].index[i - 1], now = out[0].index[i];
    ck_assert(x[before] < x[now] || (x[before] == x[now] && before < now));
  }
  part[1].fraction = 0.01;
  ck_assert(!nc_split_by(arena, diag, s, "when", 1, NC_NOWHERE, part, 2, out));
  expect_error(NC_E0406, "`test` gets no example");
}
END_TEST

START_TEST(test_balanced) {
  float x[24] = {0};
  int32_t y[12];
  int64_t index[11];
  memcpy(y, uneven, sizeof y);
  for (int i = 0; i < 11; i++) index[i] = i;                      // without the last: 7, 3, 1
  NcLoaderOptions o = {.data = by_hand(x, y, 12, 5), .index = index, .n = 11, .batch = 11, .train = true, .label = y, .classes = 5};
  NcLoader *l = nc_loader_new(diag, &o), *sought = nc_loader_new(diag, &o);
  ck_assert_int_eq(nc_loader_batches(l), 1);
  int64_t all[3] = {0}, drawn[12] = {0};
  for (int epoch = 0; epoch < 30; epoch++) {
    NcBatch b, c;
    nc_loader_next(l, &b);
    nc_loader_seek(sought, epoch, 0);
    nc_loader_next(sought, &c);
    ck_assert_mem_eq(b.index, c.index, 11 * sizeof(int64_t));
    int count[3] = {0};
    for (int i = 0; i < 11; i++) count[uneven[b.index[i]]]++, drawn[b.index[i]]++;
    for (int k = 0; k < 3; k++) {
      ck_assert(count[k] == 3 || count[k] == 4);
      all[k] += count[k];
    }
  }
  for (int k = 0; k < 3; k++) ck_assert_int_eq(all[k], 110);      // 30 epochs of 11, evenly
  for (int i = 0; i < 11; i++) ck_assert_int_gt(drawn[i], 0);
  ck_assert_int_eq(drawn[11], 0);
  nc_loader_free(l);
  nc_loader_free(sought);
}
END_TEST

// Which examples of a class an epoch leaves out has nothing to do with those of another class.
START_TEST(test_balanced_apart) {
  float x[24] = {0};
  int32_t y[12];
  for (int i = 0; i < 12; i++) y[i] = i / 5;                      // 5, 5, 2: each gives 4
  NcLoaderOptions o = {.data = by_hand(x, y, 12, 3), .batch = 12, .train = true, .label = y, .classes = 3};
  NcLoader *l = nc_loader_new(diag, &o);
  int alike = 0;
  for (int epoch = 0; epoch < 40; epoch++) {
    NcBatch b;
    nc_loader_next(l, &b);
    unsigned drawn[3] = {0};
    for (int i = 0; i < 12; i++) drawn[b.index[i] / 5] |= 1u << b.index[i] % 5;
    alike += drawn[0] == drawn[1];
  }
  ck_assert_int_lt(alike, 20);
  nc_loader_free(l);
}
END_TEST

START_TEST(test_guard_overlap) {
  NcSplit part[2];
  NcDataset *s = many(part);
  many_x[2 * 45] = many_x[2 * 9], many_x[2 * 45 + 1] = many_x[2 * 9 + 1];           // one twin is chance
  many_y[45] = many_y[9];
  ck_assert(nc_data_guard(diag, s, part, 2, learned, false));
  ck_assert_int_eq(diag->messages.n, 0);
  part[1].index = many_order + 38, part[1].n = 22;
  ck_assert(nc_data_guard(diag, s, part, 2, learned, false));
  ck_assert_int_eq(diag->messages.n, 1);
  ck_assert_str_eq(diag->messages.at[0]->text, "3 of the 22 examples of `test` are in `train` too: example 38 is example 38");
  ck_assert_int_eq(diag->errors, 0);
  int64_t large[201];                      // two of 200 are told of, two of 201 are less than one in a hundred
  for (int i = 0; i < 201; i++) large[i] = i < 2 ? 20 + i : 46 + i % 14;
  for (int n = 200; n <= 201; n++) {
    part[1].index = large, part[1].n = n;
    ck_assert(nc_data_guard(diag, s, part, 2, learned, false));
    ck_assert_int_eq(diag->messages.n, 2);
  }
}
END_TEST

// ---- split ----
START_TEST(test_split) {
  static const NcSplitPart part[] = {{"train", 0.8, {0}}, {"valid", 0.1, {0}}, {"test", 0.1, {0}}};
  static const int64_t size[][4] = {
    {10000, 8000, 1000, 1000}, {150, 120, 15, 15}, {333, 266, 34, 33}, {10, 8, 1, 1}, {5, 4, 1, 0}};
  NcSplit out[3], again[3];
  for (int k = 0; k < 5; k++) {
    int64_t n = size[k][0];
    bool good = nc_split(arena, diag, n, 42, NC_NOWHERE, part, 3, out);
    ck_assert_int_eq(good, size[k][3] > 0);
    if (!good) {
      expect_error(NC_E0406, "`test` gets no example: 0.1 of 5");
      continue;
    }
    char *seen = nc_alloc(arena, (size_t)n);
    for (int i = 0; i < 3; i++) {
      ck_assert_int_eq(out[i].n, size[k][i + 1]);
      for (int64_t j = 0; j < out[i].n; j++) ck_assert_int_eq(seen[out[i].index[j]]++, 0);
    }
    ck_assert(nc_split(arena, diag, n, 42, NC_NOWHERE, part, 3, again));
    ck_assert_mem_eq(out[0].index, again[0].index, (size_t)out[0].n * sizeof(int64_t));
    ck_assert(nc_split(arena, diag, n, 43, NC_NOWHERE, part, 3, again));
    ck_assert_mem_ne(out[0].index, again[0].index, (size_t)out[0].n * sizeof(int64_t));
  }
  static const NcSplitPart some[] = {{"a", 0.3, {0}}, {"b", 0.3, {0}}}, over[] = {{"a", 0.7, {0}}, {"b", 0.4, {0}}},
    zero[] = {{"a", 0, {0}}}, nan_[] = {{"a", NAN, {0}}}, twice[] = {{"a", 0.5, {0}}, {"a", 0.5, {0}}};
  ck_assert(nc_split(arena, diag, 10, 1, NC_NOWHERE, some, 2, out));
  ck_assert_int_eq(out[0].n + out[1].n, 6);
  ck_assert(!nc_split(arena, diag, 10, 1, NC_NOWHERE, over, 2, out));
  expect_error(NC_E0312, "add up to 1.1");
  ck_assert(!nc_split(arena, diag, 10, 1, NC_NOWHERE, zero, 1, out));
  expect_error(NC_E0312, "`a` is 0 of the examples");
  ck_assert(!nc_split(arena, diag, 10, 1, NC_NOWHERE, nan_, 1, out));
  expect_error(NC_E0312, "`a` is nan");
  ck_assert(!nc_split(arena, diag, 10, 1, NC_NOWHERE, twice, 2, out));
  expect_error(NC_E0302, "two parts named `a`");
}
END_TEST

// Every element comes to every place equally often: 36 cells of 1000 expected, chi-squared with 25 degrees of freedom.
START_TEST(test_shuffle) {
  int count[6][6] = {{0}};
  for (uint64_t s = 0; s < 6000; s++) {
    int64_t order[6] = {0, 1, 2, 3, 4, 5};
    nc_shuffle(order, 6, 9, s);
    for (int i = 0; i < 6; i++) count[i][order[i]]++;
  }
  double chi = 0;
  for (int i = 0; i < 36; i++) chi += (count[i / 6][i % 6] - 1000.0) * (count[i / 6][i % 6] - 1000.0) / 1000;
  ck_assert_double_lt(chi, 52.6);                      // passed by 999 of 1000 fair ones; ours is fixed
  ck_assert_double_gt(chi, 8.6);
}
END_TEST

// ---- loader ----
static NcDataset *numbered(int64_t n) {
  float *x = NC_NEW_N(arena, float, 2 * n);
  int32_t *y = NC_NEW_N(arena, int32_t, n);
  for (int64_t i = 0; i < n; i++) {
    x[2 * i] = (float)i;
    x[2 * i + 1] = -(float)i;
    y[i] = (int32_t)i;
  }
  return by_hand(x, y, n, n);
}

static void true_batch(const NcBatch *b, int64_t size) {
  for (int64_t i = 0; i < size; i++) {
    ck_assert_float_eq(((float *)b->field[0])[2 * i], (float)b->index[i]);
    ck_assert_float_eq(((float *)b->field[0])[2 * i + 1], -(float)b->index[i]);
    ck_assert_int_eq(((int32_t *)b->field[1])[i], b->index[i]);
  }
}

static const int thread_counts[] = {-1, 0, 1, 2, 5};

START_TEST(test_loader_train) {
  enum { N = 103, BATCH = 10, EPOCHS = 4 };
  NcDataset *s = numbered(N);
  NcLoaderOptions o = {.data = s, .batch = BATCH, .seed = 3, .train = true, .threads = thread_counts[_i]};
  NcLoader *l = nc_loader_new(diag, &o);
  ck_assert_ptr_nonnull(l);
  ck_assert_int_eq(nc_loader_batches(l), 10);
  int64_t order[EPOCHS][N];
  NcBatch b;
  for (int e = 0; e < EPOCHS; e++) {
    char seen[N] = {0};
    for (int k = 0; k < 10; k++) {
      nc_loader_next(l, &b);
      ck_assert_int_eq(b.epoch, e);
      ck_assert_int_eq(b.number, k);
      ck_assert_int_eq(b.count, BATCH);
      true_batch(&b, BATCH);
      for (int i = 0; i < BATCH; i++) {
        order[e][k * BATCH + i] = b.index[i];
        ck_assert_int_eq(seen[b.index[i]]++, 0);
      }
    }
    for (int f = 0; f < e; f++) ck_assert_mem_ne(order[e], order[f], 100 * sizeof(int64_t));
  }
  for (int e = EPOCHS - 1; e >= 0; e--) {              // any place can be sought, and gives the same again
    int k = (e * 7 + 3) % 10;
    nc_loader_seek(l, e, k);
    nc_loader_next(l, &b);
    ck_assert_int_eq(b.epoch, e);
    ck_assert_int_eq(b.number, k);
    ck_assert_mem_eq(b.index, order[e] + k * BATCH, BATCH * sizeof(int64_t));
    true_batch(&b, BATCH);
  }
  nc_loader_free(l);
}
END_TEST

START_TEST(test_loader_eval) {
  NcDataset *s = numbered(50);
  int64_t index[23];
  for (int i = 0; i < 23; i++) index[i] = 49 - 2 * i;
  NcLoaderOptions o = {.data = s, .index = index, .n = 23, .batch = 10, .threads = thread_counts[_i]};
  NcLoader *l = nc_loader_new(diag, &o);
  ck_assert_int_eq(nc_loader_batches(l), 3);
  for (int k = 0; k < 7; k++) {
    NcBatch b;
    nc_loader_next(l, &b);
    ck_assert_int_eq(b.epoch, k / 3);
    ck_assert_int_eq(b.count, k % 3 == 2 ? 3 : 10);
    for (int i = 0; i < 10; i++) ck_assert_int_eq(b.index[i], index[k % 3 * 10 + (i < b.count ? i : (int)b.count - 1)]);
    true_batch(&b, 10);
  }
  nc_loader_free(l);
}
END_TEST

// A batch stays as it is until the keep-th further call, however far the threads run ahead.
START_TEST(test_loader_keep) {
  NcDataset *s = numbered(64);
  for (int keep = 1; keep <= 3; keep++) {
    NcLoaderOptions o = {
      .data = s, .batch = 4, .seed = 1, .train = true, .threads = thread_counts[_i], .keep = keep, .ahead = 3};
    NcLoader *l = nc_loader_new(diag, &o);
    NcBatch b[400];
    int64_t index[400][4];
    for (int k = 0; k < 400; k++) {
      nc_loader_next(l, &b[k]);
      memcpy(index[k], b[k].index, sizeof index[k]);
      if (k % 37 == 0) usleep(200);
      for (int j = k - keep + 1; j <= k; j++) {
        if (j < k / 100 * 100) continue;               // a seek makes earlier ones invalid
        ck_assert_mem_eq(b[j].index, index[j], sizeof index[j]);
        true_batch(&b[j], 4);
      }
      if (k % 100 == 99) nc_loader_seek(l, k, 0);      // with the threads in full run
    }
    nc_loader_free(l);
  }
}
END_TEST

START_TEST(test_loader_fields) {
  NcDataset *s = numbered(20);
  int field[] = {1};
  NcLoaderOptions o = {.data = s, .batch = 5, .field = field, .fields = 1, .train = true};
  NcLoader *l = nc_loader_new(diag, &o);
  NcBatch b;
  nc_loader_next(l, &b);
  ck_assert_uint_eq((uintptr_t)b.field[0] % 64, 0);
  for (int i = 0; i < 5; i++) ck_assert_int_eq(((int32_t *)b.field[0])[i], b.index[i]);
  nc_loader_free(l);
  for (int k = 0; k < 20; k++) nc_loader_free(nc_loader_new(diag, &o));    // freed while its threads begin
  nc_loader_free(NULL);
  o.batch = 21;
  ck_assert_ptr_null(nc_loader_new(diag, &o));
  expect_error(NC_E0406, "`batch = 20` would work");
  o.train = false;
  l = nc_loader_new(diag, &o);
  ck_assert_int_eq(nc_loader_batches(l), 1);
  nc_loader_free(l);
  o.batch = 0;
  ck_assert_ptr_null(nc_loader_new(diag, &o));
  expect_error(NC_E0312, "at least one example");
  o.batch = INT64_MAX / 16;
  ck_assert_ptr_null(nc_loader_new(diag, &o));
  expect_error(NC_E0312, "more than a data set can have");
  int64_t none[1];
  o = (NcLoaderOptions){.data = s, .index = none, .n = 0, .batch = 1};
  ck_assert_ptr_null(nc_loader_new(diag, &o));
  expect_error(NC_E0406, "there are 0 examples");
}
END_TEST

int main(void) {
  Suite *s = suite_create("loader");
  TCase *c = suite_case(s, "loader", temp_open, temp_close);
  tcase_add_test(c, test_check);
  tcase_add_test(c, test_guard_classes);
  tcase_add_test(c, test_guard_columns);
  tcase_add_test(c, test_balanced_apart);
  tcase_add_test(c, test_guard_overlap);
  tcase_add_test(c, test_split_by);
  tcase_add_test(c, test_balanced);
  tcase_add_test(c, test_split);
  tcase_add_test(c, test_shuffle);
  tcase_add_loop_test(c, test_loader_train, 0, 5);
  tcase_add_loop_test(c, test_loader_eval, 0, 5);
  tcase_add_loop_test(c, test_loader_keep, 0, 5);
  tcase_add_test(c, test_loader_fields);
  return suite_run(s, CK_FORK_GETENV);
}
