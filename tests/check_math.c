// The OpenCL text of every pointwise row, and the helpers of kernels/math.cl and random.cl, on a device against the
// evaluator. Registers only: what is stored how is the code generator's and is tested there.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/embed.h"
#include "base/philox.h"
#include "clrun.h"
#include "op_cases.h"
#include "suite.h"

static ClRun run;

static const char *file(const char *name) {
  for (const NcEmbedded *f = nc_kernel_files; f->name; f++)
    if (strcmp(f->name, name) == 0) return f->text;
  ck_abort_msg("%s is not in the library", name);
}

static cl_program build(NcBuf *text) {
  cl_int err;
  const char *source = nc_buf_str(text);
  cl_program p = clCreateProgramWithSource(run.context, 1, &source, NULL, &err);
  err = clBuildProgram(p, 1, &run.device, "-cl-mad-enable -cl-no-signed-zeros", NULL, NULL);
  char *log = nc_alloc(arena, 65536);
  if (err) clGetProgramBuildInfo(p, run.device, CL_PROGRAM_BUILD_LOG, 65535, log, NULL);
  ck_assert_msg(err == CL_SUCCESS, "%d\n%s", err, log);
  return p;
}

// Runs a kernel of one work-item over the given buffers.
static void launch(cl_program p, const char *name, int n, const cl_mem *m) {
  cl_int err;
  size_t one = 1;
  cl_kernel k = clCreateKernel(p, name, &err);
  ck_assert_msg(err == CL_SUCCESS, "%s: %d", name, err);
  for (int i = 0; i < n; i++) clSetKernelArg(k, (cl_uint)i, sizeof *m, &m[i]);
  ck_assert_int_eq(clEnqueueNDRangeKernel(run.queue, k, 1, NULL, &one, &one, 0, NULL, NULL), CL_SUCCESS);
  ck_assert_int_eq(clFinish(run.queue), CL_SUCCESS);
  clReleaseKernel(k);
}

// ---- the rows

enum { LANES = 8, MOST = 64, SLOT = MOST * 8 };

static bool pointwise(const OpCase *c) { return nc_op(c->op)->kind == NC_POINTWISE; }

static const char *reg(NcDtype t, int lanes) {
  return lanes > 1 ? nc_sprintf(arena, "%s%d", nc_dtype_reg(t), lanes) : nc_dtype_reg(t);
}

// One case as a block of the kernel: its operands and its result lie in slots of one buffer, from `slot` on.
static void put_case(NcBuf *b, const NcNode *n, int slot, int lanes) {
  static const char *const names[] = {"a", "b", "c"};
  nc_putf(b, "  for (int i = 0; i < %d; i++) {\n", MOST / lanes);
  for (int k = 0; k < n->nin; k++) {
    const char *t = reg(n->in[k]->type.dtype, lanes);
    nc_putf(b, "    %s %s = ((global const %s *)(mem + %d))[i];\n", t, names[k], t, (slot + k) * SLOT);
  }
  nc_putf(b, "    ((global %s *)(mem + %d))[i] = ", reg(n->type.dtype, lanes), (slot + n->nin) * SLOT);
  nc_opencl(b, n, names, lanes);
  nc_put(b, ";\n  }\n");
}

static size_t width(NcDtype t) { return t == NC_I64 ? 8 : 4; }

// A value as it lies in a register: bools are masks.
static void pack(NcDtype t, double v, char *to) {
  if (nc_dtype_float(t)) memcpy(to, &(float){(float)v}, 4);
  else if (t == NC_I64) memcpy(to, &(int64_t){(int64_t)v}, 8);
  else memcpy(to, &(int32_t){t == NC_BOOL ? -(v != 0) : (int32_t)v}, 4);
}

static double unpack(NcDtype t, const char *from) {
  float f;
  int64_t l;
  int32_t i;
  memcpy(&f, from, 4);
  memcpy(&i, from, 4);
  memcpy(&l, from, t == NC_I64 ? 8 : 4);
  if (nc_dtype_float(t)) return f;
  if (t == NC_I64) return (double)l;
  ck_assert(t != NC_BOOL || i == 0 || i == -1);   // a mask, nothing else
  return t == NC_BOOL ? -i : i;
}

static bool near(double got, double want) {
  if (isnan(got) || isnan(want)) return isnan(got) && isnan(want);
  if (isinf(got) || isinf(want) || isinf((float)want)) return got == (double)(float)want;
  return fabs(got - want) <= 2e-6 * fabs(want) + 1e-7;
}

typedef struct {
  const OpCase *c;
  NcGraph *g;
  NcNode *n;
  double *in[3];
  int slot;
} Row;

static int collect(Row *row) {
  int n = 0, slot = 0;
  for (int i = 0; i < op_case_count; i++) {
    Row *r = &row[n];
    if (!pointwise(&op_cases[i])) continue;
    NcNode *in[3];
    *r = (Row){.c = &op_cases[i], .g = nc_graph_new(arena, diag, "case"), .slot = slot};
    r->n = case_build(r->g, r->c, in);
    nc_graph_output(r->g, "it", r->n);
    for (int k = 0; k < r->c->nin; k++) {
      r->in[k] = case_values(arena, r->c, k);
      for (int64_t e = 0; e < nc_count(in[k]->type.shape); e++)
        if (nc_dtype_float(in[k]->type.dtype)) r->in[k][e] = (double)(float)r->in[k][e];
    }
    slot += r->c->nin + 1;
    n++;
  }
  return n;
}

static void write_operands(const Row *r, char *mem) {
  int64_t count = nc_count(r->n->type.shape);
  for (int k = 0; k < r->c->nin; k++) {
    NcDtype t = r->n->in[k]->type.dtype;
    for (int64_t i = 0; i < MOST; i++) pack(t, r->in[k][i % count], mem + (r->slot + k) * SLOT + i * (int64_t)width(t));
  }
}

static void check_result(const Row *r, const char *mem, int lanes) {
  NcBinding bind[3];
  for (int k = 0; k < r->c->nin; k++) bind[k] = (NcBinding){nc_sprintf(arena, "in%d", k), r->in[k]};
  double **value = NC_NEW_N(arena, double *, r->g->node.n);
  ck_assert(nc_eval(r->g, diag, &(NcEvalOptions){.arena = arena, .nbind = r->c->nin, .bind = bind}, value));
  NcDtype t = r->n->type.dtype;
  int64_t count = nc_count(r->n->type.shape);
  for (int64_t i = 0; i < MOST; i++) {
    const char *at = mem + (r->slot + r->c->nin) * SLOT + i * (int64_t)width(t);
    double got = unpack(t, at), want = value[r->n->id][i % count];
    ck_assert_msg(near(got, want), "%s, %d lanes: element %lld is %.9g, evaluated %.9g", case_name(arena, r->c), lanes,
                  (long long)i, got, want);
  }
}

START_TEST(rows) {
  int lanes = _i ? LANES : 1;
  Row *row = NC_NEW_N(arena, Row, op_case_count);
  int count = collect(row);
  size_t size = (size_t)(row[count - 1].slot + 4) * SLOT;
  char *mem = nc_alloc(arena, size);
  NcBuf text = NC_BUF(arena);
  nc_put(&text, file("math.cl"));
  nc_put(&text, "kernel void rows(global char *mem) {\n");
  for (int i = 0; i < count; i++) {
    put_case(&text, row[i].n, row[i].slot, lanes);
    write_operands(&row[i], mem);
  }
  nc_put(&text, "}\n");
  cl_program p = build(&text);
  cl_mem m = cl_run_buffer(&run, size, mem);
  launch(p, "rows", 1, &m);
  cl_run_read(&run, m, size, mem);
  for (int i = 0; i < count; i++) check_result(&row[i], mem, lanes);
  clReleaseMemObject(m);
  clReleaseProgram(p);
}
END_TEST

// ---- accuracy of helpers over their range

enum { SWEEP = 1 << 16 };

static double ulps(float got, double want) {
  float w = (float)want;
  return fabs((double)got - want) / (double)(nextafterf(fabsf(w), INFINITY) - fabsf(w));
}

static float *sweep(const char *function, const float *x) {
  NcBuf text = NC_BUF(arena);
  nc_put(&text, file("math.cl"));
  nc_putf(&text, "kernel void sweep(global const float8 *x, global float8 *y) {\n"
                 "  for (int i = 0; i < %d; i++) y[i] = %s(x[i]);\n}\n", SWEEP / 8, function);
  cl_program p = build(&text);
  cl_mem m[2] = {cl_run_buffer(&run, SWEEP * sizeof(float), x), cl_run_buffer(&run, SWEEP * sizeof(float), NULL)};
  float *y = NC_NEW_N(arena, float, SWEEP);
  launch(p, "sweep", 2, m);
  cl_run_read(&run, m[1], SWEEP * sizeof(float), y);
  for (int k = 0; k < 2; k++) clReleaseMemObject(m[k]);
  clReleaseProgram(p);
  return y;
}

// Half of what is tried lies evenly up to `end` on both sides, half among all floats there are.
static float *tried(float end) {
  float *x = NC_NEW_N(arena, float, SWEEP);
  for (uint32_t i = 0; i < SWEEP; i++) {
    const uint32_t bits = i << 16 | 0x5a5a;
    if (i % 2) memcpy(&x[i], &bits, sizeof bits);
    else x[i] = (float)((int)i - SWEEP / 2) / (SWEEP / 2) * end;
  }
  return x;
}

// What saturates: within 3.5e-7 of itself, 3 units in the last place below a half, exactly 1 at the end, never beyond.
static void saturates(const char *function, double exact(double), float end) {
  float *x = tried(end + 1);
  const float edge[] = {-INFINITY, INFINITY, NAN, end, -end, 0, -0.0f, 1e30f};
  memcpy(x, edge, sizeof edge);
  float *y = sweep(function, x);
  ck_assert(y[0] == -1 && y[1] == 1 && isnan(y[2]) && y[3] == 1 && y[4] == -1 && y[5] == 0 && y[6] == 0 && y[7] == 1);
  for (int i = 0; i < SWEEP; i++) {
    const double want = exact(x[i]);
    if (isnan(x[i])) ck_assert(isnan(y[i]));
    else ck_assert_msg(fabsf(y[i]) <= 1 && (fabs(want) < 0.5 ? ulps(y[i], want) <= 3 : fabs((double)y[i] / want - 1) < 3.5e-7),
                       "%s(%a) = %a", function, (double)x[i], (double)y[i]);
  }
}

START_TEST(erf_is_accurate) { saturates("nc_erf_float8", erf, 4); }
END_TEST

START_TEST(tanh_is_accurate) { saturates("nc_tanh_float8", tanh, 9.4f); }
END_TEST

// exp and what is made of it, from where it is 0 to where it is infinite.
START_TEST(exp_is_accurate) {
  float *x = tried(88.7f), worst = 0;
  const float edge[] = {-INFINITY, INFINITY, NAN, 88.73f, 1e30f, -1e30f, -87.1f, -87.5f, 88.7f, 0, -0.0f};
  memcpy(x, edge, sizeof edge);
  float *y = sweep("nc_exp_float8", x), *s = sweep("nc_sigmoid_float8", x);
  ck_assert(isnan(y[2]) && isnan(s[2]));
  ck_assert(y[0] == 0 && y[5] == 0 && y[6] == 0 && y[7] == 0 && isinf(y[1]) && isinf(y[3]) && isinf(y[4]));
  ck_assert(s[0] >= 0 && s[0] < 1e-37f && s[5] < 1e-37f && s[1] == 1 && s[4] == 1);
  for (int i = 0; i < SWEEP; i++) {
    if (x[i] > 88.72f) ck_assert(isinf(y[i]) && s[i] == 1);
    if (x[i] < -87) ck_assert(y[i] == 0 && s[i] >= 0 && s[i] < 2e-38f);
    if (!(x[i] > -86.9f && x[i] < 88.72f)) continue;
    worst = fmaxf(worst, (float)fmax(ulps(y[i], exp((double)x[i])), ulps(s[i], 1 / (1 + exp(-(double)x[i])))));
  }
  ck_assert_msg(worst <= 3, "%g units in the last place", (double)worst);
}
END_TEST

START_TEST(log_is_accurate) {
  float *x = tried(88.7f), worst = 0, far = 0;
  const float edge[] = {-INFINITY, INFINITY, NAN, 0, -0.0f, -1e-40f, 1e-45f, 1, 1 + 0x1p-23f, 1 - 0x1p-24f, 3.4e38f, -3.4e38f};
  memcpy(x, edge, sizeof edge);
  float *y = sweep("nc_log_float8", x), *s = sweep("nc_softplus_float8", x);
  ck_assert(isnan(y[0]) && y[1] == INFINITY && isnan(y[2]) && y[3] == -INFINITY && y[4] == -INFINITY && isnan(y[5]) && y[7] == 0);
  ck_assert(s[0] == 0 && s[1] == INFINITY && isnan(s[2]) && s[11] == 0);
  for (int i = 3; i < SWEEP; i++) {
    if (isnan(x[i]) || isinf(x[i])) continue;
    if (x[i] < 0) ck_assert(isnan(y[i]));
    if (x[i] > 0) worst = fmaxf(worst, (float)ulps(y[i], log((double)x[i])));
    if (x[i] < -87) ck_assert(s[i] == 0);
    if (x[i] > -86.9f) far = fmaxf(far, (float)ulps(s[i], log1p(exp(-fabs((double)x[i]))) + fmax(x[i], 0)));
  }
  ck_assert_msg(worst <= 3 && far <= 4, "%g and %g units in the last place", (double)worst, (double)far);
}
END_TEST

START_TEST(erfinv_is_accurate) {
  float *x = NC_NEW_N(arena, float, SWEEP), worst = 0;
  for (int i = 0; i < SWEEP; i++) x[i] = (float)(i - SWEEP / 2 + 1) / (SWEEP / 2 + 1);
  x[0] = 1 - 0x1p-24f, x[1] = -1 + 0x1p-20f, x[2] = 1e-20f, x[3] = 1, x[4] = -1, x[5] = 1.5f;
  float *y = sweep("nc_erfinv_float8", x);
  for (int i = 0; i < SWEEP; i++) {
    if (i >= 3 && i <= 5) continue;
    // How far erf of the result is from x, in terms of the result.
    double v = y[i], slope = M_2_SQRTPI * exp(-v * v);
    double off = x[i] < 0 ? erfc(-v) - (1 + (double)x[i]) : (1 - (double)x[i]) - erfc(v);
    if (fabsf(x[i]) < 0.5f) off = erf(v) - (double)x[i];
    worst = fmaxf(worst, (float)(fabs(off) / slope / fmax(fabs(v), 1e-30)));
  }
  ck_assert(isinf(y[3]) && y[3] > 0 && isinf(y[4]) && y[4] < 0 && isnan(y[5]));
  ck_assert_msg(worst < 1e-6, "relative error %g", (double)worst);
}
END_TEST

// ---- division at its edges, at every width

START_TEST(division_does_not_trap) {
  enum { LOW = INT32_MIN, HIGH = INT32_MAX };
  static const int32_t a[16] = {7, -7, 7, -7, 0, 5, LOW, LOW, HIGH, LOW, 1, -1, 6, -6, 0, LOW};
  static const int32_t b[16] = {2, 2, -2, -2, 3, 0, -1, 0, -1, 1, LOW, LOW, 3, 3, -3, 2};
  NcBuf text = NC_BUF(arena);
  nc_put(&text, file("math.cl"));
  static const char *const types[] = {"int", "int2", "int4", "int8", "int16"};
  for (int t = 0; t < 5; t++)
    nc_putf(&text, "kernel void k%d(global const %s *a, global const %s *b, global %s *q, global %s *r) {\n"
                   "  for (int i = 0; i < %d; i++) {\n"
                   "    q[i] = nc_floordiv_%s(a[i], b[i]);\n    r[i] = nc_mod_%s(a[i], b[i]);\n  }\n}\n",
            t, types[t], types[t], types[t], types[t], 16 >> t, types[t], types[t]);
  cl_program p = build(&text);
  for (int t = 0; t < 5; t++) {
    int32_t q[16], r[16];
    cl_mem m[4] = {cl_run_buffer(&run, sizeof a, a), cl_run_buffer(&run, sizeof b, b),
                   cl_run_buffer(&run, sizeof q, NULL), cl_run_buffer(&run, sizeof r, NULL)};
    launch(p, nc_sprintf(arena, "k%d", t), 4, m);
    cl_run_read(&run, m[2], sizeof q, q);
    cl_run_read(&run, m[3], sizeof r, r);
    for (int i = 0; i < 16; i++) {
      int64_t want = b[i] ? (int64_t)floor((double)a[i] / b[i]) : 0, rest = b[i] ? a[i] - want * b[i] : 0;
      ck_assert_msg(q[i] == (int32_t)(uint32_t)want && r[i] == (int32_t)rest, "%s: %d by %d gives %d rest %d", types[t],
                    a[i], b[i], q[i], r[i]);
    }
    for (int k = 0; k < 4; k++) clReleaseMemObject(m[k]);
  }
  clReleaseProgram(p);
}
END_TEST

// ---- random: the evaluator's bits

START_TEST(random_is_the_evaluators) {
  enum { N = 4096 };
  const uint64_t seed = CASE_SEED;
  NcBuf text = NC_BUF(arena);
  nc_put(&text, file("random.cl"));
  nc_putf(&text, "kernel void k(global float4 *u, global float4 *z, global float *one) {\n"
                 "  for (ulong i = 0; i < %d; i++) {\n"
                 "    uint4 w = nc_random_words(i, -3, 77, %lluul);\n"
                 "    u[i] = nc_random_uniform(w);\n    z[i] = nc_random_normal(w);\n  }\n"
                 "  for (ulong i = 0; i < %d; i++) one[i] = nc_random_normal_at(i, -3, 77, %lluul);\n"
                 "  one[0] = nc_random_uniform_at(5, -3, 77, %lluul);\n}\n",
          N / 4, (unsigned long long)seed, N, (unsigned long long)seed, (unsigned long long)seed);
  cl_program p = build(&text);
  float u[N], z[N], one[N];
  cl_mem m[3];
  for (int k = 0; k < 3; k++) m[k] = cl_run_buffer(&run, sizeof u, NULL);
  launch(p, "k", 3, m);
  cl_run_read(&run, m[0], sizeof u, u);
  cl_run_read(&run, m[1], sizeof z, z);
  cl_run_read(&run, m[2], sizeof one, one);
  NcGraph *g = nc_graph_new(arena, diag, "random");
  NcNode *step = nc_const(g, NC_NOWHERE, NC_I32, -3);
  NcType t = {NC_F32, NC_SHAPE(N)};
  NcNode *gu = nc_random(g, NC_NOWHERE, "uniform", t, 77, step, NULL),
         *gz = nc_random(g, NC_NOWHERE, "normal", t, 77, step, NULL);
  nc_graph_output(g, "u", gu);
  nc_graph_output(g, "z", gz);
  double *value[8];
  ck_assert(nc_eval(g, diag, &(NcEvalOptions){.arena = arena, .seed = seed}, value));
  for (int i = 0; i < N; i++) {
    ck_assert_msg((double)u[i] == value[gu->id][i], "uniform %d", i);   // exactly
    ck_assert_msg(fabs((double)z[i] - value[gz->id][i]) < 2e-5, "normal %d: %g, %g", i, (double)z[i], value[gz->id][i]);
    ck_assert_msg(i == 0 || fabs((double)(one[i] - z[i])) < 1e-6, "single normal %d", i);
  }
  ck_assert((double)one[0] == value[gu->id][5]);
  for (int k = 0; k < 3; k++) clReleaseMemObject(m[k]);
  clReleaseProgram(p);
}
END_TEST

static void setup(void) {
  suite_open();
  ck_assert(cl_run_open(&run));
}

static void teardown(void) {
  cl_run_close(&run);
  nc_arena_free(arena);
}

int main(void) {
  ClRun probe;
  if (!cl_run_open(&probe)) {
    fprintf(stderr, "no OpenCL device: skipped\n");
    return 77;
  }
  cl_run_close(&probe);
  Suite *s = suite_create("math");
  TCase *t = suite_case(s, "math", NULL, NULL);
  tcase_add_unchecked_fixture(t, setup, teardown);   // one process: OpenCL does not survive fork
  tcase_add_loop_test(t, rows, 0, 2);
  tcase_add_test(t, exp_is_accurate);
  tcase_add_test(t, erf_is_accurate);
  tcase_add_test(t, tanh_is_accurate);
  tcase_add_test(t, log_is_accurate);
  tcase_add_test(t, erfinv_is_accurate);
  tcase_add_test(t, division_does_not_trap);
  tcase_add_test(t, random_is_the_evaluators);
  return suite_run(s, CK_NOFORK);
}
