// Plans on a device: kernels, variables, products, loops, and what can be seen of a run.
#include <math.h>
#include <string.h>
#include "base/file.h"
#include "device_run.h"

// --- running ---

START_TEST(once) {
  NcPlan *p = plan(SCALE_LINES, SCALE_PROGRAM);
  float x[40], y[40];
  double want[40];
  for (int i = 0; i < 40; i++) want[i] = -(double)(x[i] = (float)i + 0.25f);
  for (int guard = 0; guard < 2; guard++) {
    memset(y, 0, sizeof y);
    OK(nc_exec_once(dev, diag, p, &(NcFeed){"x", x, sizeof x}, 1, &(NcFetch){"y", y, sizeof y}, 1,
                    &(NcOnceOptions){.guard = guard}));
    NcCompared c = nc_compare(NC_F32, y, want, 40, 0, 0);
    ck_assert_msg(c.same, "element %zu: %g instead of %g", c.index, c.got, c.want);
  }
  ck_assert(!nc_exec_once(dev, diag, p, &(NcFeed){"z", x, sizeof x}, 1, NULL, 0, NULL));
  expect(NC_E0901, "\"z\"");
  clear();
  ck_assert(!nc_exec_once(dev, diag, p, NULL, 0, &(NcFetch){"y", y, sizeof y + 1}, 1, NULL));
  expect(NC_E0901, "161 bytes are more than buffer 3");
}
END_TEST

START_TEST(local_memory) {
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 512\n"
                   "buffer 1 const \"x\" f32[8] data 0000803f0000803f0000803f0000803f00000040000000400000004000000040\n"
                   "buffer 2 temp \"y\" f32[2] in 0 offset 0\n"
                   "step 0 kernel \"group_sum\" global 8 1 1 local 4 1 1 args b1 b2 l16\n"
                   "output \"y\" b2\n", SCALE_PROGRAM);
  float y[2];
  OK(nc_exec_once(dev, diag, p, NULL, 0, &(NcFetch){"y", y, sizeof y}, 1, NULL));
  ck_assert(y[0] == 4 && y[1] == 8);
}
END_TEST

START_TEST(fill_and_copy) {
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 1536\n"
                   "buffer 1 input \"x\" u8[7]\n"
                   "buffer 2 temp \"a\" u8[7] in 0 offset 0\n"
                   "buffer 3 temp \"b\" f32[8] in 0 offset 512\n"
                   "buffer 4 temp \"c\" u8[9] in 0 offset 1024\n"
                   "step 0 copy b1 b2 bytes 7\n"
                   "step 1 fill b3 bytes 32\n"
                   "step 2 fill b4 bytes 5\n"
                   "output \"a\" b2\noutput \"b\" b3\noutput \"c\" b4\n", SCALE_PROGRAM);
  unsigned char x[7] = "nacre!", a[7], c[9];
  float b[8];
  NcFetch fetch[] = {{"a", a, sizeof a}, {"b", b, sizeof b}, {"c", c, sizeof c}};
  OK(nc_exec_once(dev, diag, p, &(NcFeed){"x", x, sizeof x}, 1, fetch, 3, &(NcOnceOptions){.guard = true}));
  ck_assert_int_eq(memcmp(a, x, 7), 0);
  for (int i = 0; i < 8; i++) ck_assert(b[i] == 0);
  for (int i = 0; i < 9; i++) ck_assert_int_eq(c[i], i < 5 ? 0 : 0xFF);   // 0xFF: the poison
}
END_TEST

START_TEST(many_runs) {
  NcExec *x = session();
  NcLoaded *l = load(x, plan(SCALE_LINES, SCALE_PROGRAM));
  float in[2][40], out[200][40];
  uint64_t mark[2] = {0, 0};
  for (int i = 0; i < 200; i++) {
    float *from = in[i & 1];      // two host buffers, each written again only when its write is done
    OK(nc_exec_wait(x, diag, mark[i & 1]));
    for (int k = 0; k < 40; k++) from[k] = (float)(i * 40 + k);
    OK(nc_exec_write(l, diag, 1, from, sizeof in[0]));
    OK(mark[i & 1] = nc_exec_mark(x, diag));
    OK(nc_exec_run(l, diag));
    OK(nc_exec_read(l, diag, 3, out[i], sizeof out[i], false));
  }
  OK(nc_exec_finish(x, diag));
  for (int i = 0; i < 200; i++)
    for (int k = 0; k < 40; k++) ck_assert(out[i][k] == -(float)(i * 40 + k));
  ck_assert(nc_exec_wait(x, diag, 1));
  nc_exec_free(x);
  nc_exec_free(NULL);
}
END_TEST

// --- variables ---

START_TEST(variables) {
  NcExec *x = session();
  NcLoaded *train = load(x, plan(TRAIN_LINES, SCALE_PROGRAM));
  ck_assert_int_eq(nc_exec_vars(x), 3);
  ck_assert_str_eq(nc_exec_var(x, 1)->name, "b");
  ck_assert_str_eq(nc_exec_var(x, 2)->role, "state");
  ck_assert_uint_eq(nc_exec_var(x, 0)->bytes, 32);
  ck_assert(nc_exec_var(x, 3) == NULL);
  ck_assert_int_eq(nc_exec_find_var(x, "count"), 2);
  ck_assert_int_eq(nc_exec_find_var(x, "nothing"), -1);
  float v[8], g[256], b[4] = {10, 20, 30, 40};
  OK(nc_exec_var_read(x, diag, 0, v, sizeof v));
  for (int i = 0; i < 8; i++) ck_assert(v[i] == 0);
  OK(nc_exec_var_write(x, diag, 1, b, sizeof b));
  for (int i = 0; i < 256; i++) g[i] = (float)i + 1;
  OK(nc_exec_write(train, diag, 4, g, sizeof g));
  OK(nc_exec_run(train, diag) && nc_exec_run(train, diag));

  // Another plan sees the same variables, whatever layout it had in mind, and may bring its own.
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 512\n"
                   "buffer 1 root var \"others\" bytes 512\n"
                   "buffer 2 var \"b\" f32[4] in 1 offset 0 role \"param\"\n"
                   "buffer 3 var \"w\" f32[8] role \"param\"\n"
                   "buffer 4 var \"fresh\" f32[4] role \"state\"\n"
                   "buffer 5 temp \"y\" f32[4] in 0 offset 0\n"
                   "step 0 kernel \"scale\" global 4 1 1 local 1 1 1 args b2 b5 i4 f1\n"
                   "step 1 kernel \"add_to\" global 8 1 1 local 1 1 1 args b4 b3 i4\n"
                   "output \"y\" b5\n", SCALE_PROGRAM);
  size_t before = nc_exec_bytes(x);
  NcLoaded *eval = load(x, p);
  ck_assert_uint_eq(nc_exec_bytes(x) - before, 512 + 16);     // the arena and "fresh"; no second place for w and b
  ck_assert_int_eq(nc_exec_vars(x), 4);
  float y[4];
  OK(nc_exec_run(eval, diag));
  OK(nc_exec_read(eval, diag, 5, y, sizeof y, true));
  for (int i = 0; i < 4; i++) ck_assert_msg(y[i] == b[i] + 2 * (float)(129 + i), "%g", y[i]);
  OK(nc_exec_var_read(x, diag, 3, y, sizeof y));
  for (int i = 0; i < 4; i++) ck_assert(y[i] == 2 * (float)(i + 1));
  OK(nc_exec_var_read(x, diag, 2, y, 4));
  ck_assert(y[0] == 2);

  // The first plan goes on where it was; a copy of it binds to the same root.
  nc_exec_unload(eval);
  NcLoaded *again = load(x, plan(TRAIN_LINES, SCALE_PROGRAM));
  OK(nc_exec_write(again, diag, 4, g, sizeof g));
  OK(nc_exec_run(again, diag) && nc_exec_read(train, diag, 1, v, sizeof v, true));
  for (int i = 0; i < 8; i++) ck_assert(v[i] == 3 * (float)(i + 1));
  nc_exec_free(x);
}
END_TEST

// Plans that do not fit the variables that TRAIN_LINES made, each with a word of the complaint.
static const struct { const char *lines, *part; } misfits[] = {
  {"buffer 0 var \"w\" f32[9] role \"param\"\n", "another type or size"},
  {"buffer 0 var \"w\" i32[8] role \"param\"\n", "here it is f32[8] in 32 bytes, in the plan i32[8]"},
  {"buffer 0 var \"w\" f32[8] bytes 64 role \"param\"\n", "in the plan f32[8] in 64 bytes"},
  {"buffer 0 root var \"params\" bytes 1024\n"
   "buffer 1 var \"b\" f32[4] in 0 offset 0 role \"param\"\n"
   "step 0 fill b0 bytes 16\n", "lie elsewhere"},
  {"buffer 0 root var \"params\" bytes 2048\n"
   "buffer 1 var \"new\" f32[4] in 0 offset 1024 role \"param\"\n"
   "step 0 fill b0 bytes 16\n", "lie elsewhere"},
  {"buffer 0 root var \"pack\" bytes 512\n"
   "buffer 1 var \"b\" f32[4] in 0 offset 0 role \"param\"\n"
   "step 0 copy b0 b1 bytes 16\n", "lie elsewhere"},
  {"buffer 0 var \"fine\" f32[9] role \"param\"\n"
   "buffer 1 var \"w\" f32[9] role \"param\"\n", "another type or size"},
};

START_TEST(variables_misfit) {
  NcExec *x = session();
  NcLoaded *train = load(x, plan(TRAIN_LINES, SCALE_PROGRAM));
  size_t before = nc_exec_bytes(x);
  ck_assert(nc_exec_load(x, diag, plan(misfits[_i].lines, SCALE_PROGRAM)) == NULL);
  expect(NC_E0506, misfits[_i].part);
  ck_assert_int_eq(nc_exec_vars(x), 3);           // nothing is left of the failed plan
  ck_assert_uint_eq(nc_exec_bytes(x), before);
  ck_assert_int_eq(nc_exec_find_var(x, "fine"), -1);
  clear();
  OK(nc_exec_run(train, diag) && nc_exec_finish(x, diag));
  nc_exec_free(x);
}
END_TEST

START_TEST(arenas_shared) {
  NcExec *x = session();
  NcLoaded *small = load(x, plan(SCALE_LINES, SCALE_PROGRAM));
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 32768\n"
                   "buffer 1 input \"x\" f32[8]\n"
                   "buffer 2 temp \"y\" f32[8] in 0 offset 32256\n"
                   "step 0 kernel \"scale\" global 8 1 1 local 1 1 1 args b1 b2 i8 f3\n"
                   "output \"y\" b2\n", SCALE_PROGRAM);
  size_t before = nc_exec_bytes(x);
  NcLoaded *large = load(x, p);
  ck_assert_uint_eq(nc_exec_bytes(x) - before, 32768 - 2048 + 32);
  float in[40], y[40];
  for (int i = 0; i < 40; i++) in[i] = (float)i;
  for (int round = 0; round < 3; round++) {
    OK(nc_exec_write(small, diag, 1, in, sizeof in) && nc_exec_run(small, diag) &&
       nc_exec_read(small, diag, 3, y, sizeof y, true));
    for (int i = 0; i < 40; i++) ck_assert(y[i] == -in[i]);
    OK(nc_exec_write(large, diag, 1, in, 32) && nc_exec_run(large, diag) && nc_exec_read(large, diag, 2, y, 32, true));
    for (int i = 0; i < 8; i++) ck_assert(y[i] == 3 * in[i]);
  }
  nc_exec_unload(large);
  nc_exec_unload(NULL);
  OK(nc_exec_run(small, diag));
  nc_exec_free(x);
  ck_assert_uint_eq(nc_exec_bytes(x), 0);
}
END_TEST

// --- matrix products ---

typedef struct { int m, n, k, ta, tb, batch; float beta; } Gemm;
static const Gemm gemms[] = {
    {1, 1, 1, 0, 0, 1, 0}, {5, 7, 3, 0, 0, 1, 0},    {5, 7, 3, 1, 0, 1, 0},    {5, 7, 3, 0, 1, 1, 0},
    {5, 7, 3, 1, 1, 1, 0}, {64, 64, 64, 0, 0, 1, 0}, {65, 31, 17, 0, 1, 1, 1}, {128, 96, 40, 1, 0, 1, 0.5f},
    {6, 5, 4, 0, 0, 3, 0}, {33, 8, 9, 0, 1, 4, 1},
};

static void one_gemm(Gemm g) {
  int na = g.m * g.k * g.batch, nb = g.k * g.n * g.batch, nc = g.m * g.n * g.batch;
  NcPlan *p = plan(nc_sprintf(arena,
                              "buffer 0 input \"a\" f32[%d]\nbuffer 1 input \"b\" f32[%d]\nbuffer 2 var \"c\" f32[%d] "
                              "role \"state\"\n"
                              "step 0 gemm a b0 b b1 c b2 ta %d tb %d m %d n %d k %d lda %d ldb %d ldc %d batch %d "
                              "stride_a %d stride_b %d stride_c %d beta %g\n"
                              "output \"c\" b2\n",
                              na, nb, nc, g.ta, g.tb, g.m, g.n, g.k, g.ta ? g.m : g.k, g.tb ? g.k : g.n, g.n, g.batch,
                              g.m * g.k, g.k * g.n, g.m * g.n, g.beta),
                   SCALE_PROGRAM);
  float *a = NC_NEW_N(arena, float, na), *b = NC_NEW_N(arena, float, nb), *c = NC_NEW_N(arena, float, nc),
        *got = NC_NEW_N(arena, float, nc);
  double *want = NC_NEW_N(arena, double, nc);
  for (int i = 0; i < na; i++) a[i] = (float)(i * 7 % 11) - 5;
  for (int i = 0; i < nb; i++) b[i] = (float)(i * 5 % 13) - 6;
  for (int i = 0; i < nc; i++) c[i] = (float)(i % 3);
  for (int s = 0; s < g.batch; s++)
    for (int i = 0; i < g.m; i++)
      for (int j = 0; j < g.n; j++) {
        double sum = g.beta * c[(s * g.m + i) * g.n + j];
        for (int k = 0; k < g.k; k++)
          sum += a[s * g.m * g.k + (g.ta ? k * g.m + i : i * g.k + k)] *
                 b[s * g.k * g.n + (g.tb ? j * g.k + k : k * g.n + j)];
        want[(s * g.m + i) * g.n + j] = sum;
      }
  NcFeed feed[] = {{"a", a, 4 * (size_t)na}, {"b", b, 4 * (size_t)nb}, {"c", c, 4 * (size_t)nc}};
  OK(nc_exec_once(dev, diag, p, feed, 3, &(NcFetch){"c", got, 4 * (size_t)nc}, 1, &(NcOnceOptions){.guard = true}));
  NcCompared r = nc_compare(NC_F32, got, want, (size_t)nc, 0, 1e-6);
  ck_assert_msg(r.same, "m %d n %d k %d: element %zu: %g instead of %g, %zu wrong", g.m, g.n, g.k, r.index, r.got,
                r.want, r.wrong);
}

// All in one process, and with GPU code's parameters: CLBlast compiles for seconds. Probed, because some devices cannot
// have work-groups as large as its own choice for them.
START_TEST(gemm) {
  NcDevice *cpu = dev;
  NcDeviceOptions o = {.choice = getenv("NACRE_TEST_DEVICE"), .cls = "gpu", .no_cache = true};
  dev = nc_device_open(all, diag, &o);
  ck_assert_msg(dev != NULL, "%s", messages(diag));
  for (size_t i = 0; nc_device_target(dev)->clblast && i < sizeof gemms / sizeof *gemms; i++) one_gemm(gemms[i]);
  nc_device_close(dev);
  dev = cpu;
}
END_TEST

// --- looking at a run ---

START_TEST(guarding) {
  // Inside its own buffer nothing is wrong; one element past it is in the gap, further on another's buffer, further
  // still behind the arena.
  static const struct { int at; const char *part; } spills[] = {
    {3, NULL}, {4, "byte 16 of"}, {128, "\"other\" lies there"}, {256, "behind its end"}, {270, "behind its end"},
  };
  const int at = spills[_i].at;
  NcPlan *p = plan(
      nc_sprintf(arena,
                 "buffer 0 root arena \"arena\" bytes 1024\n"
                 "buffer 1 temp \"y\" f32[4] in 0 offset 0\n"
                 "buffer 2 temp \"other\" f32[4] in 0 offset 512\n"
                 "step 0 fill b2 bytes 16\n"
                 "step 1 kernel \"spill\" global 1 1 1 local 1 1 1 args b1 i%d label \"bad\" at \"model.nn:9:2\"\n",
                 at),
      SCALE_PROGRAM);
  bool ok = nc_exec_once(dev, diag, p, NULL, 0, NULL, 0, &(NcOnceOptions){.guard = true});
  ck_assert_int_eq(ok, spills[_i].part == NULL);
  if (ok) return;
  expect(NC_E0505, spills[_i].part);
  ck_assert(strstr(messages(diag), "`bad` at model.nn:9:2") != NULL);
}
END_TEST

START_TEST(profiling) {
  NcExec *x = session();
  NcPlan *p = plan(SCALE_LINES, SCALE_PROGRAM);
  NcLoaded *l = load(x, p);
  NcProfile *prof = nc_profile_new(arena, p);
  float in[40] = {1, 2, 3}, y[40];
  OK(nc_exec_write(l, diag, 1, in, sizeof in));
  for (int i = 0; i < 3; i++) OK(nc_exec_run_profiled(l, diag, prof));
  OK(nc_exec_read(l, diag, 3, y, sizeof y, true));
  ck_assert(y[0] == -1 && y[2] == -3);
  ck_assert_int_eq(prof->runs, 3);
  ck_assert_int_eq(prof->n, 2);
  double sum = 0;
  for (int i = 0; i < 2; i++) {
    ck_assert_int_eq(prof->step[i].count, 3);
    ck_assert(prof->step[i].ns > 0);
    ck_assert(prof->step[i].cpu_ns == 0);
    sum += prof->step[i].ns;
  }
  ck_assert(sum <= prof->total_ns);
  prof->apart = true;
  OK(nc_exec_run_profiled(l, diag, prof));
  for (int i = 0; i < 2; i++) ck_assert(prof->step[i].cpu_ns > 0 && prof->step[i].count == 4);
  nc_exec_free(x);
}
END_TEST

START_TEST(hunting) {
  NcExec *x = session();
  NcPlan *p = plan(
      "buffer 0 root arena \"arena\" bytes 2048\n"
      "buffer 1 input \"x\" f32[40]\n"
      "buffer 2 temp \"t\" f32[40] in 0 offset 0 at \"model.nn:3:1\"\n"
      "buffer 3 temp \"y\" f32[40] in 0 offset 1024\n"
      "step 0 kernel \"scale\" global 64 1 1 local 16 1 1 args b1 b2 i40 f1e38 label \"grow\" at \"model.nn:3:1\"\n"
      "step 1 kernel \"scale\" global 64 1 1 local 16 1 1 args b2 b3 i40 f0 label \"vanish\" at \"model.nn:4:1\"\n"
      "output \"y\" b3\n",
      SCALE_PROGRAM);
  NcLoaded *l = load(x, p);
  NcBad bad;
  float in[40] = {0};
  OK(nc_exec_write(l, diag, 1, in, sizeof in));
  OK(nc_exec_find_nan(l, diag, &bad));
  ck_assert(!bad.found && bad.inf_buffer == -1);
  ck_assert(nc_exec_report_bad(l, diag, &bad) == NULL);
  in[17] = 1000;                  // 1e41 is infinite, and infinity times zero is NaN
  OK(nc_exec_write(l, diag, 1, in, sizeof in));
  OK(nc_exec_find_nan(l, diag, &bad));
  ck_assert(bad.found && bad.step == 1 && bad.buffer == 3 && bad.index == 17 && bad.inf_step == 0 &&
            bad.inf_buffer == 2);
  nc_exec_report_bad(l, diag, &bad);
  expect(NC_E0603, "`vanish` at model.nn:4:1");
  ck_assert(strstr(messages(diag), "`grow` at model.nn:3:1") != NULL);
  clear();
  in[3] = NAN;
  OK(nc_exec_write(l, diag, 1, in, sizeof in));
  OK(nc_exec_find_nan(l, diag, &bad));
  ck_assert(bad.found && bad.step == -1 && bad.buffer == 1 && bad.index == 3);
  nc_exec_report_bad(l, diag, &bad);
  expect(NC_E0603, "the input \"x\"");
  nc_exec_free(x);
}
END_TEST

#define LOOP_PROGRAM SCALE_PROGRAM \
  "kernel void down(global float *y, int t) { y[0] = sqrt(3.5f - 2 * t); }\n"

START_TEST(looping) {
  NcExec *x = session();
  NcPlan *p = plan("buffer 0 root arena \"arena\" bytes 2048\n"
                   "buffer 1 temp \"y\" f32[8] in 0 offset 0\n"
                   "buffer 2 input \"x\" f32[4]\n"
                   "buffer 3 temp \"sum\" f32[4] in 0 offset 512\n"
                   "buffer 4 temp \"root\" f32[1] in 0 offset 1024\n"
                   "step 0 fill b1 bytes 32\nstep 1 fill b3 bytes 16\n"
                   "step 2 loop turns 3\n"
                   "step 3 loop turns 2\n"
                   "step 4 kernel \"add_to\" global 4 1 1 local 1 1 1 args b3 b2 i4\n"
                   "step 5 end\n"
                   "step 6 kernel \"spill\" global 1 1 1 local 1 1 1 args b1 t\n"
                   "step 7 kernel \"down\" global 1 1 1 local 1 1 1 args b4 t label \"root\" at \"model.nn:7:1\"\n"
                   "step 8 end\n"
                   "output \"y\" b1\noutput \"sum\" b3\n", LOOP_PROGRAM);
  NcLoaded *l = load(x, p);
  float in[4] = {1, 2, 3, 4}, y[8], sum[4];
  OK(nc_exec_write(l, diag, 2, in, sizeof in));
  NcProfile *prof = nc_profile_new(arena, p);
  for (int way = 0; way < 3; way++) {
    nc_exec_seams(x, (NcExecSeams){.poison = true, .guard = way == 1});
    OK(way == 2 ? nc_exec_run_profiled(l, diag, prof) : nc_exec_run(l, diag));
    OK(nc_exec_read(l, diag, 1, y, sizeof y, true));
    OK(nc_exec_read(l, diag, 3, sum, sizeof sum, true));
    for (int i = 0; i < 8; i++) ck_assert(y[i] == (i < 3));
    for (int i = 0; i < 4; i++) ck_assert(sum[i] == 6 * in[i]);
  }
  ck_assert(prof->step[4].count == 6 && prof->step[6].count == 3 && prof->step[2].count == 0);
  NcBad bad;
  OK(nc_exec_find_nan(l, diag, &bad));
  ck_assert(bad.found && bad.step == 7 && bad.turn == 2 && bad.buffer == 4);
  nc_exec_report_bad(l, diag, &bad);
  expect(NC_E0603, "in turn 2 of its loop");
  nc_exec_free(x);
}
END_TEST

int main(void) {
  Suite *s = suite_create("exec");
  if (device_there()) {
    TCase *c = suite_case(s, "with", setup, teardown);
    tcase_add_test(c, once);
    tcase_add_test(c, local_memory);
    tcase_add_test(c, fill_and_copy);
    tcase_add_test(c, many_runs);
    tcase_add_test(c, variables);
    tcase_add_loop_test(c, variables_misfit, 0, sizeof misfits / sizeof *misfits);
    tcase_add_test(c, arenas_shared);
    tcase_add_test(c, gemm);
    tcase_add_loop_test(c, guarding, 0, 5);
    tcase_add_test(c, profiling);
    tcase_add_test(c, hunting);
    tcase_add_test(c, looping);
  }
  return suite_run(s, CK_FORK_GETENV);
}
