#include "train/tokens.h"
#include <string.h>

// The field of the model's data that was made of text; NULL where there is none.
static const NcField *text_field(const NacreModel *m) {
  const NcFields *f = m->program && m->program->recipe ? &m->program->recipe->fields : NULL;
  for (int i = 0; f && i < f->n; i++)
    if (f->at[i].tokens) return &f->at[i];
  return NULL;
}

NcTokens *nc_tokens_of_model(NacreModel *m) {
  const NcField *f = text_field(m);
  if (!m->tokens && f) m->tokens = nc_tokens_of(m->arena, m->diag, NC_NOWHERE, f);
  return m->tokens;
}

bool nc_tokens_given(const NacreModel *m) { return text_field(m) != NULL; }

bool nc_tokens_of_text(NacreModel *m, const char *what, const char *text, size_t n, NcArray *out) {
  NcTokens *t = nc_tokens_of_model(m);
  if (!t && !m->diag->errors)
    nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "the model's data has no vocabulary to read \"%s\" with", text),
            "give numbers (1,2,3), or a .npy or .csv file of tokens");
  NcTokenList list = {0};
  if (!t || !nc_tokens_encode(t, m->diag, NC_NOWHERE, what, text, n, &list)) return false;
  if (!list.n) return nc_error(m->diag, NC_E0702, NC_NOWHERE, "%s is empty: it needs one character at least", what), false;
  *out = (NcArray){.type = {NC_I32, NC_SHAPE(1, list.n)}, .data = list.at};
  return true;
}

const char *nc_tokens_text(NacreModel *m, const NacreOutput *o) {
  const NacreTensor *x = &o->tensor;
  if (strcmp(x->dtype, "i32") != 0 || x->rank < 1 || x->rank > 2 || !text_field(m)) return NULL;
  NcTokens *t = nc_tokens_of_model(m);
  if (!t) return NULL;
  NcBuf b = NC_BUF(m->arena);
  int64_t rows = x->rank == 2 ? x->dim[0] : 1, n = x->dim[x->rank - 1];
  for (int64_t i = 0; i < rows; i++) {
    if (i) nc_putc(&b, '\n');
    nc_tokens_decode(t, (const int32_t *)o->data + i * n, n, true, &b);
  }
  return nc_buf_str(&b);
}
