// What only trying can tell: tiny plans are run and their results looked at. The answers are kept in a file for each
// device and driver. Whatever goes wrong, here or with the file, the answer is the cautious one.
#include "device/blast.h"
#include "device/check.h"
#include "base/file.h"
#include "base/map.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 2 };     // to be counted up when a probe changes, so that old answers are not believed

typedef int (*Try)(NcDevice *dev, NcArena *a);     // a number, or 0 and 1 for no and yes

static NcPlan *plan_of(NcArena *a, const char *lines, const char *program) {
  const char *text = nc_sprintf(a, "nacre-plan 1\nclass cpu\nalign 128\noptions \"\"\n%s", lines);
  NcPlan *p = nc_plan_read(a, nc_diag_new(a), "probe", text, strlen(text));
  if (p) p->program = program;
  return p;
}

static bool run(NcDevice *dev, NcArena *a, const char *lines, const char *program, const NcFeed *feed, int feeds,
                const NcFetch *fetch) {
  NcPlan *p = plan_of(a, lines, program);
  return p && nc_exec_once(dev, nc_diag_new(a), p, feed, feeds, fetch, 1, NULL);
}

// Storing half and computing in float: rounding to even, infinity; a device may flush what is subnormal in half.
static int try_half(NcDevice *dev, NcArena *a) {
  static const float x[8] = {1, -2.5f, 65504, 0.1f, 2049, 70000, 1e-5f, -0.0f};
  static const float want[8] = {1, -2.5f, 65504, 0.0999755859375f, 2048, INFINITY, 1.00135803e-5f, -0.0f};
  float y[8];
  static const char lines[] =
    "buffer 0 input \"x\" f32[8]\n"
    "buffer 1 var \"h\" f16[8]\n"
    "buffer 2 var \"y\" f32[8]\n"
    "step 0 kernel \"narrow\" global 8 1 1 local 1 1 1 args b0 b1\n"
    "step 1 kernel \"widen\" global 8 1 1 local 1 1 1 args b1 b2\n"
    "output \"y\" b2\n";
  static const char program[] =
    "kernel void narrow(global const float *x, global half *h) {\n"
    "  size_t i = get_global_id(0);\n"
    "  vstore_half_rte(x[i], i, h);\n"
    "}\n"
    "kernel void widen(global const half *h, global float *y) {\n"
    "  size_t i = get_global_id(0);\n"
    "  y[i] = vload_half(i, h);\n"
    "}\n";
  bool ran = run(dev, a, lines, program, &(NcFeed){"x", x, sizeof x}, 1, &(NcFetch){"y", y, sizeof y});
  for (int i = 0; ran && i < 8; i++)
    if (y[i] != want[i] && !(i == 6 && y[i] == 0)) return false;
  return ran;
}

// Each work-item tells its sub-group and that sub-group's sum of (place in the group + 1).
static int try_subgroups(NcDevice *dev, NcArena *a) {
  enum { N = 64 };
  if (!strstr(dev->info.extensions, "subgroups") || dev->info.target.max_group < N) return false;
  int y[2 * N], sum[N] = {0}, members[N] = {0};
  bool ran = run(dev, a,
    "buffer 0 var \"y\" i32[128]\n"
    "step 0 kernel \"sums\" global 64 1 1 local 64 1 1 args b0\n"
    "output \"y\" b0\n",
    "#pragma OPENCL EXTENSION cl_khr_subgroups : enable\n"
    "kernel void sums(global int *y) {\n"
    "  int i = get_local_id(0);\n"
    "  y[2 * i] = get_sub_group_id();\n"
    "  y[2 * i + 1] = sub_group_reduce_add(i + 1);\n"
    "}\n",
    NULL, 0, &(NcFetch){"y", y, sizeof y});
  for (int i = 0; ran && i < N; i++) {
    if (y[2 * i] < 0 || y[2 * i] >= N) return false;
    sum[y[2 * i]] += i + 1;
    members[y[2 * i]]++;
  }
  for (int i = 0; ran && i < N; i++)
    if (y[2 * i + 1] != sum[y[2 * i]] || members[y[2 * i]] < 2) return false;   // sub-groups of one are of no use
  return ran;
}

static int try_clblast(NcDevice *dev, NcArena *a) {
  enum { N = 24 };
  if (!nc_blast(dev)) return false;
  float x[N * N], y[N * N];
  for (int i = 0; i < N * N; i++) x[i] = (float)(i * 7 % 11 - 5);
  bool ran = run(dev, a,
    "buffer 0 input \"x\" f32[24,24]\n"
    "buffer 1 var \"y\" f32[24,24]\n"
    "step 0 gemm a b0 b b0 c b1 m 24 n 24 k 24 lda 24 ldb 24 ldc 24\n"
    "output \"y\" b1\n",
    "", &(NcFeed){"x", x, sizeof x}, 1, &(NcFetch){"y", y, sizeof y});
  for (int i = 0; ran && i < N; i++)
    for (int j = 0; j < N; j++) {
      float want = 0;
      for (int k = 0; k < N; k++) want += x[i * N + k] * x[k * N + j];
      if (y[i * N + j] != want) return false;      // small whole numbers: every order of adding is exact
    }
  return ran;
}

// Some drivers give a kernel smaller groups than the device is said to have.
static int try_group(NcDevice *dev, NcArena *a) {
  NcCl *cl = dev->cl;
  int device = dev->info.target.max_group;
  cl_int err = 0;
  size_t most = 0;
  cl_program p = nc_program_build(dev, nc_diag_new(a), "kernel void one(global float *y) { y[get_global_id(0)] = 1; }\n", "");
  cl_kernel k = p ? NC_MAKE(cl, &err, clCreateKernel, (p, "one", &err)) : NULL;
  bool known = p && !err && !NC_CALL(cl, clGetKernelWorkGroupInfo, (k, dev->id, CL_KERNEL_WORK_GROUP_SIZE, sizeof most, &most, NULL));
  if (p && !err) cl->clReleaseKernel(k);
  if (p) cl->clReleaseProgram(p);
  return known && most && most < (size_t)device ? (int)most : device;
}

// One row of the table: a name in the file, where the answer goes, how to find it.
static const struct { const char *name; size_t offset; bool number; Try run; } probes[] = {
  {"group", offsetof(NcTarget, max_group), true, try_group},     // first: the others ask for groups
  {"half", offsetof(NcTarget, half_ok), false, try_half},
  {"subgroups", offsetof(NcTarget, subgroups), false, try_subgroups},
  {"clblast", offsetof(NcTarget, clblast), false, try_clblast},
};
enum { PROBES = sizeof probes / sizeof *probes };

static void *answer(NcDevice *dev, int i) { return (char *)&dev->info.target + probes[i].offset; }
static int told(NcDevice *dev, int i) { return probes[i].number ? *(int *)answer(dev, i) : *(bool *)answer(dev, i); }
static void believe(NcDevice *dev, int i, int v) {
  if (probes[i].number) *(int *)answer(dev, i) = v;
  else *(bool *)answer(dev, i) = v != 0;
}

// What the answers depend on; it is the first line of the file, so that a collision of names does no harm.
static const char *key_of(NcDevice *dev, NcArena *a) {
  return nc_sprintf(a, "nacre-probes %d | %s | %s | %s | %s | class %d groups %d clblast %s\n", VERSION, dev->info.name,
                    dev->info.platform, dev->info.driver, dev->info.version, (int)dev->info.target.cls, dev->info.target.max_group,
                    nc_blast(dev) ? "found" : "absent");
}

// A file of lines `name NUMBER` after its key, one for each probe; 0 and 1 are no and yes.
static bool recall(NcDevice *dev, NcArena *a, const char *path, const char *key) {
  size_t size;
  const char *text = nc_read_file(a, nc_diag_new(a), NC_E0601, NC_NOWHERE, path, &size);
  if (!text || strncmp(text, key, strlen(key))) return false;
  text += strlen(key);
  int found[PROBES];
  for (int i = 0; i < PROBES; i++) {
    const char *line = strstr(text, nc_sprintf(a, "%s ", probes[i].name));
    if (!line) return false;
    const char *v = line + strlen(probes[i].name) + 1;
    char *end;
    long n = strtol(v, &end, 10), most = probes[i].number ? told(dev, i) : 1, least = probes[i].number;
    if (end == v || *end != '\n' || n < least || n > most) return false;
    found[i] = (int)n;
  }
  for (int i = 0; i < PROBES; i++) believe(dev, i, found[i]);
  return true;
}

static void keep(NcDevice *dev, NcArena *a, const char *path, const char *key) {
  NcBuf text = NC_BUF(a);
  nc_put(&text, key);
  for (int i = 0; i < PROBES; i++) nc_putf(&text, "%s %d\n", probes[i].name, told(dev, i));
  nc_write_file(nc_diag_new(a), path, text.at, text.n);
}

static void probe_in(NcDevice *dev, NcArena *a) {
  const char *key = key_of(dev, a), *path = NULL;
  if (!dev->no_cache)
    path = nc_cache_path(a, nc_sprintf(a, "probes-%016llx", (unsigned long long)nc_hash64(0, key, strlen(key))));
  if (path && recall(dev, a, path, key)) return;
  for (int i = 0; i < PROBES; i++) believe(dev, i, probes[i].run(dev, a));
  if (path) keep(dev, a, path, key);
}

// CPU code uses neither sub-groups nor CLBlast, and few groups: probes would take it half a second of compiling for nothing.
void nc_probe(NcDevice *dev, bool allowed) {
  if (!allowed || dev->info.target.cls == NC_CLASS_CPU) {
    dev->info.target.clblast = nc_blast(dev) != NULL;
    return;
  }
  NcArena *a = nc_arena_new();
  if (a && !NC_ON_OOM(a)) probe_in(dev, a);
  nc_arena_free(a);
}
