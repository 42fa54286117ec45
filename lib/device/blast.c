#include "device/blast.h"
#include <clblast_c.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(X) X(CLBlastSgemmWithTempBuffer) X(CLBlastSGemmTempBufferSize) X(CLBlastSgemmStridedBatched) \
  X(CLBlastOverrideParameters) X(CLBlastClearCache)

struct NcBlast {
#define X(fn) __typeof__(fn) *fn;
  FUNCTIONS(X)
#undef X
};

static const char *const names[] = {"libclblast.so.1", "libclblast.so", "libclblast.1.dylib", "libclblast.dylib"};

static NcBlast *open_library(NcArena *a) {
  void *library = NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
    library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (!library) return NULL;
  NcBlast *b = NC_NEW(a, NcBlast);
#define X(fn) \
  do { \
    void *symbol = dlsym(library, #fn); \
    if (!symbol) return NULL; \
    memcpy(&b->fn, &symbol, sizeof symbol); \
  } while (0);
  FUNCTIONS(X)
#undef X
  return b;
}

// On a CPU its own parameters give 4-wide code at 4 GFLOP/s. With one work-item per tile, no local memory and as many
// accumulators as there are vector registers it makes 68 (512³, 2 cores with AVX2). The price is a first product that
// compiles for seconds. Wider vectors come with twice the registers, hence the taller tile.
typedef struct { const char *name; size_t avx2, avx512; } Parameter;
static const Parameter cpu_xgemm[] = {
  {"GEMMK", 0, 0}, {"KREG", 1, 1}, {"KWG", 32, 32}, {"KWI", 2, 2}, {"MDIMA", 1, 1}, {"MDIMC", 1, 1},
  {"MWG", 16, 32}, {"NDIMB", 1, 1}, {"NDIMC", 1, 1}, {"NWG", 6, 12}, {"SA", 0, 0}, {"SB", 0, 0},
  {"STRM", 0, 0}, {"STRN", 0, 0}, {"VWM", 8, 16}, {"VWN", 2, 4},
};
enum { PARAMETERS = sizeof cpu_xgemm / sizeof *cpu_xgemm };

static void suit_cpu(NcBlast *b, const NcDevice *dev) {
  // mad() becomes a multiplication and an addition there; this makes it fma(). The library reads it from the
  // environment, and appends to it without a blank. A user's own setting is left alone.
  setenv("CLBLAST_BUILD_OPTIONS", "-DUSE_VECTOR_MAD=1 ", 0);
  const char *name[PARAMETERS];
  size_t value[PARAMETERS];
  for (int i = 0; i < PARAMETERS; i++) {
    name[i] = cpu_xgemm[i].name;
    value[i] = dev->info.target.vector == 16 ? cpu_xgemm[i].avx512 : cpu_xgemm[i].avx2;
  }
  b->CLBlastOverrideParameters(dev->id, "Xgemm", CLBlastPrecisionSingle, PARAMETERS, name, value);
  // Never the kernel that reads the matrices in place: it was made for GPUs.
  b->CLBlastOverrideParameters(dev->id, "GemmRoutine", CLBlastPrecisionSingle, 1,
                               (const char *[]){"XGEMM_MIN_INDIRECT_SIZE"}, (size_t[]){1});
}

NcBlast *nc_blast(NcDevice *dev) {
  if (dev->blast_tried) return dev->blast;
  dev->blast_tried = true;
  dev->blast = open_library(dev->all->arena);
  // GPU code forced onto a CPU is a test of GPU code: it keeps CLBlast as a GPU has it.
  if (dev->blast && strcmp(dev->info.kind, "cpu") == 0 && dev->info.target.cls == NC_CLASS_CPU)
    suit_cpu(dev->blast, dev);
  return dev->blast;
}

// It keeps programs by context, and a later context may get the address of an earlier one.
void nc_blast_close(NcDevice *dev) {
  if (dev->blast) dev->blast->CLBlastClearCache();
  dev->blast = NULL;
  dev->blast_tried = false;
}

static CLBlastTranspose transpose(bool t) { return t ? CLBlastTransposeYes : CLBlastTransposeNo; }

int nc_blast_workspace(NcBlast *b, cl_command_queue queue, const NcStep *s, size_t *bytes) {
  *bytes = 0;
  if (s->batch > 1) return 0;
  return (int)b->CLBlastSGemmTempBufferSize(CLBlastLayoutRowMajor, transpose(s->ta), transpose(s->tb), (size_t)s->m,
                                            (size_t)s->n, (size_t)s->k, 0, (size_t)s->lda, 0, (size_t)s->ldb, 0,
                                            (size_t)s->ldc, &queue, bytes);
}

int nc_blast_gemm(NcBlast *b, cl_command_queue queue, const NcStep *s, cl_mem ma, cl_mem mb, cl_mem mc, cl_mem temp) {
  size_t m = (size_t)s->m, n = (size_t)s->n, k = (size_t)s->k, lda = (size_t)s->lda, ldb = (size_t)s->ldb,
         ldc = (size_t)s->ldc;
  CLBlastTranspose ta = transpose(s->ta), tb = transpose(s->tb);
  float beta = (float)s->beta;
  if (s->batch > 1)
    return (int)b->CLBlastSgemmStridedBatched(CLBlastLayoutRowMajor, ta, tb, m, n, k, 1.0f, ma, 0, lda,
                                              (size_t)s->stride_a, mb, 0, ldb, (size_t)s->stride_b, beta, mc, 0, ldc,
                                              (size_t)s->stride_c, (size_t)s->batch, &queue, NULL);
  return (int)b->CLBlastSgemmWithTempBuffer(CLBlastLayoutRowMajor, ta, tb, m, n, k, 1.0f, ma, 0, lda, mb, 0, ldb, beta,
                                            mc, 0, ldc, &queue, NULL, temp);
}

static const struct { int code; const char *name; } codes[] = {
  {CLBlastInvalidDimension, "a size that is not positive"},
  {CLBlastInvalidLeadDimA, "too small a leading dimension of a"},
  {CLBlastInvalidLeadDimB, "too small a leading dimension of b"},
  {CLBlastInvalidLeadDimC, "too small a leading dimension of c"},
  {CLBlastInsufficientMemoryA, "too small a buffer for a"},
  {CLBlastInsufficientMemoryB, "too small a buffer for b"},
  {CLBlastInsufficientMemoryC, "too small a buffer for c"},
  {CLBlastInsufficientMemoryTemp, "too small a workspace"},
  {CLBlastInvalidBatchCount, "a batch that is not positive"},
  {CLBlastInvalidOverrideKernel, "an override of an unknown kernel"},
  {CLBlastMissingOverrideParameter, "an override that lacks a parameter"},
  {CLBlastInvalidLocalMemUsage, "too little local memory on this device"},
  {CLBlastDatabaseError, "no parameters for this device"},
  {CLBlastUnknownError, "an error that it does not name"},
  {CLBlastUnexpectedError, "an exception"},
};

const char *nc_blast_code(int code) {
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
    if (codes[i].code == code) return codes[i].name;
  return nc_cl_code(code);
}
