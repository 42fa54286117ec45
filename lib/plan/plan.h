// The plan: all that is to run, flat and printable. The compiler writes it, the device layer
// runs it, and neither knows the other. A plan prints as text and reads back (text.c), so a
// plan can be run from a file, and `nacre emit --plan` shows exactly what will run:
//
//   nacre-plan 1
//   class cpu
//   align 128
//   options "-cl-mad-enable -cl-no-signed-zeros"
//   buffer 0 root arena "arena" bytes 1048576
//   buffer 1 root var "params" bytes 409600
//   buffer 2 input "image" u8[128,28,28]
//   buffer 3 var "mlp.dense.weight" f32[128,784] in 1 offset 0
//   buffer 4 temp "relu" f32[128,128] in 0 offset 65536 at "model.nn:4:9"
//   step 0 kernel "dot_0" global 64 1 1 local 1 1 1 args b2 b3 b4 i784 flops 25690112 bytes 903168
//          label "dense" at "model.nn:4:9" layer "mlp.dense"   (on the same line)
//   step 1 gemm a b7 b b3 c b4 m 128 n 128 k 784 ... (through CLBlast)
//   step 2 fill b5 bytes 512
//   step 3 copy b3 b4 bytes 512
//   step 4 loop turns 50
//   step 5 kernel "map_1" … args b2 b5 t          (t: which turn of the loop around it this is, from 0)
//   step 6 end                                     (of the loop; they nest)
//   output "loss" b9
//   program 2211
//   (that many bytes of OpenCL C)
#ifndef NC_PLAN_H
#define NC_PLAN_H
#include "base/diag.h"
#include "base/type.h"

typedef enum { NC_CLASS_CPU, NC_CLASS_GPU } NcClass;

// What the compiler must know of a device; filled by the device layer from the device's own properties,
// or by nc_target_default for compiling without one.
typedef struct NcTuned NcTuned;     // plan/tuned.h

typedef struct {
  NcClass cls;
  int vector;              // native float vector width: 4, 8 or 16
  int compute_units;
  int max_group;           // largest work-group
  size_t local_bytes;      // local memory of a group
  size_t cache;            // bytes of the cache before all memory; 0: it is not known
  size_t align;            // of sub-buffers, in bytes
  size_t max_alloc;        // largest single buffer, in bytes
  size_t memory;           // all of the device's memory, in bytes
  bool clblast;            // the library was found and works here
  bool subgroups, half_ok; // answered by probes
  NcTuned *tuned;          // choices that were measured here; NULL: none
} NcTarget;
NcTarget nc_target_default(NcClass cls);   // cpu: width 8, 2 units; gpu: groups of 256, 32 KiB local

typedef enum {
  NC_BUF_ROOT_ARENA,       // owns memory; contents are undefined at the start of each run
  NC_BUF_ROOT_VAR,         // owns memory that lives across runs and plans; zeroed when made
  NC_BUF_INPUT,            // written by the host before a run
  NC_BUF_VAR,              // parameter, state, optimizer state: bound by name; inside a root or on its own
  NC_BUF_CONST,            // small table with its bytes in the plan
  NC_BUF_TEMP              // inside an arena
} NcBufKind;

typedef struct {
  NcBufKind kind;
  const char *name;        // of inputs, vars and roots: the binding; of temps: for people
  NcType type;             // roots: u8[bytes]
  int parent;              // buffer number of its root, or -1
  size_t offset, bytes;    // offset in the parent, a multiple of `align`
  const void *data;        // NC_BUF_CONST
  const char *role;        // vars: "param", "state", "opt", "cache"
  const char *at;          // of temps: where the value is computed, "model.nn:4:9"; NULL or "" when unknown
  NcRange range;           // the same for who still has the sources; not printed
} NcPlanBuf;

typedef enum { NC_ARG_BUF, NC_ARG_INT, NC_ARG_FLOAT, NC_ARG_LOCAL, NC_ARG_TURN } NcArgKind;
// buffer number, int (cl_int), float, bytes of local memory, or the turn of the innermost loop (cl_int)
typedef struct { NcArgKind kind; int64_t i; double f; } NcPlanArg;

typedef enum { NC_STEP_KERNEL, NC_STEP_GEMM, NC_STEP_FILL, NC_STEP_COPY, NC_STEP_LOOP, NC_STEP_END } NcStepKind;
typedef struct {
  NcStepKind kind;
  const char *kernel;      // function name in the program
  size_t global[3], local[3];
  int nargs;
  NcPlanArg *args;
  // GEMM (row-major): C[m,n] = A' B' + beta C, optionally batched with strides in elements.
  int a, b, c, workspace;  // buffer numbers; workspace -1 for none
  bool ta, tb;
  int64_t m, n, k, lda, ldb, ldc, batch, stride_a, stride_b, stride_c;
  double beta;
  size_t fill_bytes;       // FILL (c, with zero bytes) and COPY (a to c)
  int64_t turns;           // LOOP: how often the steps up to its END run
  // For people and profiles:
  double flops, bytes;
  const char *label;       // the operations in it: "dot+add+relu"
  const char *at;          // "model.nn:4:9", "" when unknown
  const char *layer;       // in whose call it was met: "mlp.dense", "" when in nobody's
} NcStep;

typedef struct { const char *name; int buffer; } NcPlanOutput;

// Two kinds of lines in a program say how it can be cut: what all kernels need ends at the first; then, after the text of
// each kernel or of several, one of the second for each: its name and its form. `kernel`: it is one only as it stands.
// `item`, `group`: with NC_BANKS defined it is not there, but a function NAME_item(size_t item, its arguments) or
// NAME_group(int x, int y, int z, __local float *scratch, its arguments), with an enum NAME_scratch that counts these floats.
#define NC_PLAN_KERNELS "// Kernels:"
#define NC_PLAN_MADE "// Made above: "

typedef struct {
  NcArena *arena;
  NcClass cls;
  size_t align;
  const char *options;     // build options
  const char *program;     // OpenCL C of all kernels
  NC_VEC(NcPlanBuf) buf;
  NC_VEC(NcStep) step;
  NC_VEC(NcPlanOutput) output;
} NcPlan;

NcPlan *nc_plan_new(NcArena *a, NcClass cls, size_t align);
void nc_plan_print(const NcPlan *p, NcBuf *out, bool with_program);
NcPlan *nc_plan_read(NcArena *a, NcDiag *d, const char *name, const char *text, size_t size);   // NULL after E0802
bool nc_plan_verify(const NcPlan *p, NcDiag *d);    // bounds, overlaps of live roots, arguments, names
int nc_plan_find(const NcPlan *p, NcBufKind kind, const char *name);   // buffer number or -1
int nc_plan_output(const NcPlan *p, const char *name);                 // buffer number or -1
size_t nc_plan_bytes(const NcPlan *p);              // device memory of one run: roots, inputs, vars, constants
size_t nc_plans_bytes(int n, const NcPlan *const *p);   // of plans loaded together: variables by name, and one arena, are shared
int64_t nc_plan_launches(const NcPlan *p);          // of one run

// steps.c: the steps in the order in which they run, loops run through. Starts as {.plan = p}; `next` gives the next step
// to launch and its turn, false at the end.
enum { NC_MAX_LOOPS = 16 };                         // nested in each other
typedef struct {
  const NcPlan *plan;
  int step;                                         // the present one, once `next` was called
  int32_t turn;                                     // of the innermost loop around it; 0 outside
  int at, depth;                                    // private from here
  struct { int begin; int32_t turn; } loop[NC_MAX_LOOPS];
} NcSteps;
bool nc_steps_next(NcSteps *w);
#endif
