// safetensors: eight bytes of length, a JSON header, the tensors' bytes without holes.
// f32 f16 bf16 i32 i64 u8 bool; F64 is read as f32. Every shape, offset and type is checked before it is used.
#ifndef NC_SAFETENSORS_H
#define NC_SAFETENSORS_H
#include "io/bytes.h"

typedef struct {
  const char *name;
  NcType type;
  const void *data;          // aligned to 8 at least
} NcTensor;
typedef struct { const char *key, *value; } NcMeta;

typedef struct {
  NcTensor *tensor;          // in the header's order
  int n;
  NcMeta *meta;              // "__metadata__"
  int metas;
} NcTensors;

bool nc_safetensors_read(NcArena *a, NcDiag *d, NcRange at, const char *path, NcTensors *out);
// Only names, types and metadata: `data` is NULL. Reads no more of the file than its header.
bool nc_safetensors_head(NcArena *a, NcDiag *d, NcRange at, const char *path, NcTensors *out);
bool nc_safetensors_parse(NcArena *a, NcDiag *d, const NcBytes *b, NcTensors *out);
const NcTensor *nc_tensor_find(const NcTensors *t, const char *name);   // NULL when there is none
const char *nc_meta_find(const NcTensors *t, const char *key);          // NULL when there is none

// Written beside and renamed. Tensors and metadata in the order given, the header padded to 8 bytes: equal content
// gives equal bytes. Names and keys must differ from each other.
bool nc_safetensors_write(NcArena *scratch, NcDiag *d, const char *path, const NcTensor *tensor, int n,
                          const NcMeta *meta, int metas);
#endif
