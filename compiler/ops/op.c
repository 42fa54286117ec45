// The registry of operations, and the text of pointwise ones.
#include "ops/op.h"
#include <string.h>
#include "ops/rows.h"

#define X(name) &nc_row_##name,
static const NcOp *const structural[] = {NC_STRUCTURAL(X)};
#undef X
enum { STRUCTURAL = sizeof structural / sizeof *structural };

const NcOp *nc_op_at(int i) {
  if (i < 0) return NULL;
  if (i < nc_pointwise_count) return &nc_pointwise_rows[i];
  i -= nc_pointwise_count;
  return i < STRUCTURAL ? structural[i] : NULL;
}

static bool called(const NcOp *op, const char *name) { return op->name[0] == name[0] && strcmp(op->name, name) == 0; }

const NcOp *nc_op(const char *name) {
  for (int i = 0; i < nc_pointwise_count; i++)
    if (called(&nc_pointwise_rows[i], name)) return &nc_pointwise_rows[i];
  for (int i = 0; i < STRUCTURAL; i++)
    if (called(structural[i], name)) return structural[i];
  return NULL;
}

// ---- OpenCL text

static void put_type(NcBuf *out, const char *type, int lanes) {
  nc_put(out, type);
  if (lanes > 1) nc_putf(out, "%d", lanes);
}

static void expand(NcBuf *out, const char *template, NcDtype t, const char *const *arg, int lanes) {
  nc_putc(out, '(');
  for (const char *p = template; *p; p++) {
    if (*p != '$') {
      nc_putc(out, *p);
      continue;
    }
    switch (*++p) {
    case 'T': put_type(out, nc_dtype_reg(t), lanes); break;
    case 'I': put_type(out, "int", lanes); break;
    case 'K': put_type(out, t == NC_I64 ? "long" : "int", lanes); break;
    case 'F': put_type(out, "float", lanes); break;
    case 'U': put_type(out, "uchar", lanes); break;
    case 'L': put_type(out, "long", lanes); break;
    default: nc_put(out, arg[*p - '0']);
    }
  }
  nc_putc(out, ')');
}

// What a cast does depends on both types. A bool in a register is 0 or -1.
static const char *cast_template(NcDtype from, NcDtype to) {
  bool from_float = nc_dtype_float(from), from_bool = from == NC_BOOL;
  switch (to) {
  case NC_BOOL: return "select(($I)(0), ($I)(-1), convert_$I($0 != ($T)(0)))";
  case NC_I32: return from_bool ? "-$0" : from_float ? "convert_$I_sat($0)" : "convert_$I($0)";
  case NC_I64: return from_bool ? "convert_$L(-$0)" : from_float ? "convert_$L_sat($0)" : "convert_$L($0)";
  case NC_U8: return from_bool ? "-$0" : from_float ? "convert_$I(convert_$U_sat($0))" : "convert_$I($0) & 255";
  default: return from_bool ? "convert_$F(-$0)" : from_float ? "$0" : "convert_$F($0)";
  }
}

void nc_opencl(NcBuf *out, const NcNode *n, const char *const *arg, int lanes) {
  NcDtype t = n->in[n->nin - 1]->type.dtype;
  const char *template = n->op->opencl;
  if (!*template) template = cast_template(t, n->type.dtype);
  else if (!nc_dtype_float(t) && n->op->opencl_int) template = n->op->opencl_int;
  expand(out, template, t, arg, lanes);
}
