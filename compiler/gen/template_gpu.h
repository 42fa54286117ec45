// The tiled GEMM of kernels/tile_gpu.cl, as gemm and the convolutions use it.
#ifndef NC_TEMPLATE_GPU_H
#define NC_TEMPLATE_GPU_H
#include "gen/templates.h"

typedef struct {
  int64_t rows, cols, steps, planes;
  const char *file[2];     // kernel files that describe the matrices; their sizes are defined already
  const char *column;      // of reduce.cl
  const char *kind;        // by which, and by these sizes, measured choices are found
  int sizes;
  const int64_t *size;
} NcGpuShape;

// False when the device cannot run even the smallest tile, or an index would not fit; to be asked before anything is
// appended.
bool nc_template_gpu_fits(const NcTarget *t, const NcGpuShape *s);
// Appends the tile to a frame that is begun, ends it, and fills the launches.
void nc_template_gpu(NcTemplateFrame *f, const NcTarget *t, const char *name, const NcGpuShape *s, NcTemplateUse *use);
#endif
