// Templates: the hand-written kernels of kernels/*.cl (GEMM, convolutions, pools), specialised to sizes and with the
// caller's expressions spliced in where elements are read (prologue) and written (epilogue).
//
// A call appends to the program text: #defines, the template, #undefs. It fills an NcTemplateUse: the launches in
// order, each with its geometry and its arguments by role, and how many bytes of workspace they share.
// All calls return false, having appended nothing, for what the template cannot do (a size of 0, an index space
// beyond 2^31 in one dimension); the caller then reports it or takes another way.
//
// Tensors are row-major buffers in logical order (NCHW, OIHW). Names are the caller's business: kernels are called
// `name`, `name_pack`, `name_reduce`, and helper functions `name_…`.
#ifndef NC_TEMPLATES_H
#define NC_TEMPLATES_H
#include "base/buf.h"
#include "plan/plan.h"

enum { NC_WORK_MAX = 3, NC_LAUNCH_MAX = 4, NC_TEMPLATE_ARGS = 6 };

// The role of a kernel argument. After the listed ones a kernel of a template takes the `extra` ones, in order.
typedef enum {
  NC_TARG_A,            // operand 0: `a` of dot, x of conv, conv_weight and pool
  NC_TARG_B,            // operand 1: `b` of dot, w of conv, dy of conv_weight, y of pool_grad
  NC_TARG_D,            // operand 2: dy of pool_grad
  NC_TARG_C,            // the result
  NC_TARG_WORK          // + i: workspace i
} NcTemplateArg;

// How a kernel can be had as a function, so that many can share one kernel (kernels/begin.cl): not at all, NAME_item, or
// NAME_group with its scratch memory; PLACED: besides, as NAME_at, which is told the three numbers of the group.
typedef enum { NC_FORM_KERNEL, NC_FORM_ITEM, NC_FORM_GROUP, NC_FORM_PLACED } NcKernelForm;

typedef struct {
  const char *kernel;
  NcKernelForm form;
  size_t global[3], local[3];
  int nargs;
  int arg[NC_TEMPLATE_ARGS];   // NcTemplateArg, or NC_TARG_WORK + i
  bool shared;                 // by calls with other extra arguments: it takes none of them
} NcTemplateLaunch;

typedef struct {
  int nlaunch;
  NcTemplateLaunch launch[NC_LAUNCH_MAX];
  size_t ahead;                // floats of B packed ahead; 0: B is read as it lies
  int nwork;
  size_t work[NC_WORK_MAX];    // bytes of each workspace; contents need not survive the last launch
} NcTemplateUse;

// How an operand's elements are read. All NULL: a float buffer read as it is.
// They name their own buffer only, no extra arguments.
typedef struct {
  const char *type;      // element type in memory: "float", "uchar", "half" (then `load` must be given)
  const char *load;      // float expression of `i`, the linear index in elements: "convert_float(A[i]) / 255.0f"
  const char *load_v;    // the same for W elements from i on, W being the target's vector width, yielding floatW:
                         // "convert_float8(vload8(0, A + i))". NULL: made of `load`, element by element
} NcSplice;

// What is spliced in. Texts are one line or more of OpenCL C; they become macro bodies. They may name the buffers
// A, B, D, C and the extra arguments, and call functions that the caller has put into the program before the call.
// Names in capitals are the templates' own (A, B, C, D, M, N, K, W …): extra arguments and locals have small letters.
// Every expression must be free of side effects: a template may read an element several times.
typedef struct {
  const char *extra;     // further arguments, each after a comma: ", __global const float *bias, int step"; NULL: none
  NcSplice a, b, d;
  const char *c_type;    // element type of C in memory; NULL: "float"
  bool ahead;            // dot: B may be packed once, by NAME_ahead, for the same product many times: see NcTemplateUse.ahead
  // Statements that finish one element: in terms of `o`, its linear index in the result's logical row-major order;
  // `c`, its column (dot: index in the free axes of b) or channel (conv: output channel; others: 0); `v`, the float
  // computed. The three are plain variables.
  // Each element is stored exactly once, so it may read C[o] or other buffers in place. NULL: "C[o] = v;"
  const char *store;
  // The same for W consecutive elements from o on, v being floatW. dot: columns c … c+W-1 of one row. conv: all of
  // channel c. NULL: element by element, which is slower. Called for whole vectors only, which need not be aligned.
  const char *store_v;
} NcTemplateText;

// dot: C[z0][z1][m][n] = Σk A[…] B[…]. Strides in elements, of any sign, 0 to repeat; the index passed to `load`
// starts from 0 at [0][0][0][0], so a base offset goes into the load expression.
// `way`: how a CPU makes it; tests and measurements ask for one, which is taken where the sizes allow it.
typedef enum { NC_GEMM_BEST, NC_GEMM_BLOCKS, NC_GEMM_PANELS } NcGemmWay;
typedef struct {
  const char *name;
  NcGemmWay way;
  int64_t batch[2], m, n, k;           // batch 1, 1 when there is none
  int64_t a_batch[2], a_m, a_k;
  int64_t b_batch[2], b_k, b_n;
  NcTemplateText text;
} NcGemm;
bool nc_template_gemm(NcBuf *program, const NcTarget *t, const NcGemm *g, NcTemplateUse *use);

// conv: C[B][O][out…] of x [B][I][in…] and w [O][I/groups][kernel…], as nc_conv in ops/op.h defines it. Always three
// spatial axes: fewer are preceded by axes of size 1 (stride, dilation, dilate_x 1; lo, hi 0).
// x is read in row-major order. w is read at strides of any sign, so that flipped and transposed weights (the
// gradient toward the input) need no copy: index = o·w_o + i·w_i + Σ kernel[d]·w_k[d], an offset goes into the load.
// `way`: how a CPU makes it; tests and measurements ask for one, which is taken where the sizes allow it.
typedef enum { NC_CONV_BEST, NC_CONV_DIRECT, NC_CONV_WINOGRAD } NcConvWay;
typedef struct {
  const char *name;
  NcConvWay way;
  int64_t batch, in_channels, out_channels, groups;
  int64_t in[3], kernel[3], out[3];
  int64_t stride[3], lo[3], dilation[3], dilate_x[3];    // hi follows from `out`
  int64_t w_o, w_i, w_k[3];
  NcTemplateText text;
} NcConvTemplate;
bool nc_template_conv(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use);

// conv_weight: C[O][I/groups][kernel…] of A = x [B][I][in…] and B = dy [B][O][out…]. The w strides are not used.
bool nc_template_conv_weight(NcBuf *program, const NcTarget *t, const NcConvTemplate *c, NcTemplateUse *use);

// pool over the last three axes of x [planes][in…]; kind "max", "sum", "avg" (divides by the window without padding).
typedef struct {
  const char *name, *kind;
  int64_t planes, in[3], out[3], window[3], stride[3], lo[3];
  NcTemplateText text;
} NcPoolTemplate;
bool nc_template_pool(NcBuf *program, const NcTarget *t, const NcPoolTemplate *p, NcTemplateUse *use);
// pool_grad: C = dx [planes][in…] of D = dy and, for max only, A = x and B = y = pool(x).
bool nc_template_pool_grad(NcBuf *program, const NcTarget *t, const NcPoolTemplate *p, NcTemplateUse *use);
// Whether the two above work by whole planes in scratch, by vectors: only then are they better than plain loops on a CPU.
bool nc_pool_by_planes(const NcTarget *t, const NcPoolTemplate *p, bool grad);

// ---- For template_*.c ----

// The #define … #undef frame around a template, and the text of a kernel file.
typedef struct {
  NcBuf *out;
  NcBuf undef;
} NcTemplateFrame;
typedef struct { const char *macro; int64_t value; } NcTemplateSize;   // a list ends with macro NULL
NcTemplateFrame nc_frame_begin(NcBuf *program, const NcTarget *t, const char *name, const NcTemplateText *text);
__attribute__((format(printf, 3, 4))) void nc_frame_define(NcTemplateFrame *f, const char *macro, const char *fmt, ...);
void nc_frame_sizes(NcTemplateFrame *f, const NcTemplateSize *list);
void nc_frame_file(NcTemplateFrame *f, const char *file);
void nc_frame_end(NcTemplateFrame *f);
NcTemplateLaunch *nc_use_launch(NcTemplateUse *use, const char *kernel, size_t gx, size_t gy, size_t gz, int nargs,
                                const int *arg);   // local size 1

// The second pass of a split: text, and launch with its workspace (the one that the first pass writes).
void nc_frame_reduce(NcTemplateFrame *f, const NcTarget *t, int64_t count, const char *column, bool column_run);
void nc_use_reduce(NcTemplateUse *use, NcArena *a, const NcTarget *t, const char *name, int64_t count, int64_t split);

// The register tile of the CPU templates, for a result of that many rows: mr is at most `rows`.
typedef struct { int mr, nv; } NcTile;
NcTile nc_register_tile(const NcTarget *t, int64_t rows);

int64_t nc_ceil_div(int64_t a, int64_t b);
int64_t nc_least(int64_t a, int64_t b);
int64_t nc_most(int64_t a, int64_t b);
// n cut into equal blocks of about `cap`, multiples of `unit`
int64_t nc_even_block(int64_t n, int64_t cap, int64_t unit);
#endif
