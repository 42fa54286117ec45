#include "train/tokens.h"

// No data source keeps a vocabulary yet.
bool nc_tokens_of_text(NacreModel *m, const char *text, NcArray *out) {
  (void)out;
  nc_help(m->diag, nc_error(m->diag, NC_E0702, NC_NOWHERE, "the model's data has no vocabulary to read \"%s\" with", text),
          "give numbers (1,2,3), or a .npy or .csv file of tokens");
  return false;
}

const char *nc_tokens_text(NacreModel *m, const NacreOutput *o) {
  (void)m, (void)o;
  return NULL;
}
