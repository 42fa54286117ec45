// How diagnostics look: as a person reads them, and as JSON lines.
#include "base/diag.h"

void nc_diag_render(const NcDiag *d, NcBuf *out, bool color) {
  (void)color;
  for (int i = 0; i < d->messages.n; i++) {
    NcMessage *m = d->messages.at[i];
    nc_putf(out, "%s[%s]: %s\n", m->severity == NC_ERROR ? "error" : "warning", nc_code_name(m->code), m->text);
    const char *place = nc_place(d, out->arena, m->at);
    if (*place) nc_putf(out, " --> %s\n", place);
    for (int k = 0; k < m->notes.n; k++) nc_putf(out, "  = %s\n", m->notes.at[k]);
    if (m->help) nc_putf(out, "help: %s\n", m->help);
  }
}

void nc_diag_json(const NcDiag *d, NcBuf *out) {
  for (int i = 0; i < d->messages.n; i++) {
    NcMessage *m = d->messages.at[i];
    nc_putf(out, "{\"severity\":\"%s\",\"code\":\"%s\",\"message\":", m->severity == NC_ERROR ? "error" : "warning",
            nc_code_name(m->code));
    nc_put_json(out, m->text);
    nc_put(out, "}\n");
  }
}
