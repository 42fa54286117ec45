// Words and checks that the operations' rules share.
#include <string.h>
#include "ops/rows.h"

bool nc_refuse(NcDiag *d, NcCode code, const NcNode *n, const char *fmt, ...) {
  va_list ap;
  va_start(ap, fmt);
  nc_error(d, code, n->at, "`%s`: %s", n->op->name, nc_vsprintf(d->arena, fmt, ap));
  va_end(ap);
  return false;
}

const char *nc_show(NcDiag *d, const NcNode *operand) { return nc_type_str(d->arena, operand->type); }

bool nc_need_ints(NcDiag *d, const NcNode *n, const char *key, int count) {
  int have;
  nc_attr_ints(n, key, &have);
  if (have == count) return true;
  return nc_refuse(d, NC_E0202, n, "`%s` has %d numbers where %s needs %d", key, have,
                   n->nin ? nc_show(d, n->in[0]) : "it", count);
}

bool nc_need_axes(NcDiag *d, const NcNode *n, const char *key, int rank) {
  int count;
  const int64_t *axes = nc_attr_ints(n, key, &count);
  for (int i = 0; i < count; i++) {
    if (axes[i] < 0 || axes[i] >= rank)
      return nc_refuse(d, NC_E0206, n, "axis %lld does not exist in %s", (long long)axes[i],
                       n->nin ? nc_show(d, n->in[0]) : "the result");
    if (nc_has_axis(axes, i, axes[i]))
      return nc_refuse(d, NC_E0206, n, "axis %lld is named twice", (long long)axes[i]);
  }
  return true;
}

bool nc_need_axis(NcDiag *d, const NcNode *n, const char *key, int rank) {
  int64_t axis = nc_attr_int(n, key);
  if (axis >= 0 && axis < rank) return true;
  return nc_refuse(d, NC_E0206, n, "axis %lld does not exist in %s", (long long)axis, nc_show(d, n->in[0]));
}

bool nc_need_dtype(NcDiag *d, const NcNode *n, int a, int b) {
  if (n->in[a]->type.dtype == n->in[b]->type.dtype) return true;
  return nc_refuse(d, NC_E0204, n, "%s and %s have different element types", nc_show(d, n->in[a]),
                   nc_show(d, n->in[b]));
}

bool nc_need_float(NcDiag *d, const NcNode *n, int a) {
  if (nc_dtype_float(n->in[a]->type.dtype)) return true;
  return nc_refuse(d, NC_E0204, n, "needs floats and got %s", nc_show(d, n->in[a]));
}

bool nc_need_word(NcDiag *d, const NcNode *n, const char *key, const char *const *words, int count) {
  const char *word = nc_attr_str(n, key);
  for (int i = 0; i < count; i++)
    if (strcmp(word, words[i]) == 0) return true;
  return nc_refuse(d, NC_E0205, n, "%s \"%s\" is unknown", key, word);
}

bool nc_has_axis(const int64_t *axes, int n, int64_t axis) {
  for (int i = 0; i < n; i++)
    if (axes[i] == axis) return true;
  return false;
}

int nc_other_axes(int rank, int n, const int64_t *axes, int64_t *out) {
  int count = 0;
  for (int i = 0; i < rank; i++)
    if (!nc_has_axis(axes, n, i)) out[count++] = i;
  return count;
}

bool nc_vjp_none(NcGraph *g, NcNode *n, NcNode *dy, NcNode **dx) {
  (void)g, (void)n, (void)dy, (void)dx;
  return true;
}
