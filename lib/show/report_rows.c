// Examples where a model is most wrong, as rows of a table.
#include <stdlib.h>
#include "show/report.h"

enum { ROWS = 12, COLUMNS = 12 };

static int by_worse(const void *a, const void *b) {
  const NcMiss *x = a, *y = b;
  return x->worse != y->worse ? (x->worse < y->worse) - (x->worse > y->worse) : (x->i > y->i) - (x->i < y->i);
}

void nc_report_worst_first(NcMiss *m, int64_t n) { qsort(m, (size_t)n, sizeof *m, by_worse); }

int nc_report_table(const NcReport *r) {
  const NcDataset *d = r->m->data;
  for (int i = 0; d && i < d->fields; i++)
    if (d->field[i].dtype == NC_F32 && d->field[i].shape.rank == 1) return i;
  return -1;
}

void nc_report_rows(NcReport *r, const NcReportRows *q, const NcMiss *m, int64_t n) {
  NcBuf *b = r->b;
  int table = nc_report_table(r);
  const NcField *f = table < 0 ? NULL : &r->m->data->field[table];
  int64_t columns = !f ? 0 : f->shape.dim[0] < COLUMNS ? f->shape.dim[0] : COLUMNS;
  nc_putf(b, "<div class=\"wide\"><table><tr><th>example</th>%s", q->head);
  for (int64_t c = 0; c < columns; c++) {
    nc_put(b, "<th>");
    if (f->column) nc_html(b, f->column[c]);
    else nc_putf(b, "value %lld", (long long)c);
    nc_put(b, "</th>");
  }
  nc_put(b, "</tr>\n");
  for (int64_t k = 0; k < n && k < ROWS; k++) {
    int64_t example = r->part->index[m[k].i];
    const float *v = f ? nc_field_at(r->m->data, table, example) : NULL;
    nc_putf(b, "<tr><td>%lld</td>", (long long)example);
    q->cells(r, q->ctx, m[k].i);
    for (int64_t c = 0; c < columns; c++) nc_put(b, "<td>"), nc_html_number(b, (double)v[c]), nc_put(b, "</td>");
    nc_put(b, "</tr>\n");
  }
  nc_put(b, "</table></div>\n");
}
