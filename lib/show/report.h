// A run as one page of HTML that needs nothing else: nacre_report. Each file makes sections of it; what cannot be made, because
// the data are gone or there is no device, is left out with a line that says why.
#ifndef NC_REPORT_H
#define NC_REPORT_H
#include <jansson.h>
#include "show/html.h"
#include "train/model.h"
#include "train/output.h"

// One of the arrays that a graph gave, for all examples that were run: axis 0 counts them.
typedef struct { const char *name; NcType type; int64_t n, per; float *v; } NcArrayOf;

typedef struct {
  NacreModel *m;
  NcBuf *b;
  const char *dir;
  json_t *run;                     // run.json
  const NcSplit *part;             // whose examples are looked at; NULL: the data cannot be had
} NcReport;

// What `f` puts, as a section of its own. Where it puts nothing there is no section; where it fails, its message stands there.
void nc_report_section(NcReport *r, const char *id, const char *title, bool (*f)(NcReport *r));

// Runs a graph over the first examples of a part: `make` gives it for a program elaborated for one batch size, its outputs
// have the batch in axis 0. Up to `most` examples; with `once` a single batch of training's size, and outputs of any shape.
typedef struct {
  const NcGraph *(*make)(NcReport *r, const NcProgram *p, void *ctx);
  void *ctx;
  const NcSplit *part;
  int64_t most;
  bool once;
} NcShowRun;
bool nc_report_run(NcReport *r, const NcShowRun *q, int *n, NcArrayOf **out);
int64_t nc_report_most(int64_t most, int64_t per);     // of examples: fewer, where each gives very many numbers to be kept

// Graphs for it (report_graph.c), of what meets in the loss; the target's name is NULL where there is no such thing.
const char *nc_report_pairs_target(const NcReport *r);                  // a number that is subtracted from another
const NcGraph *nc_report_pairs(NcReport *r, const NcProgram *p, void *ctx);    // outputs: said, true
const char *nc_report_logit_target(const NcReport *r);                  // one number, of which a sigmoid makes yes or no
const NcGraph *nc_report_logit(NcReport *r, const NcProgram *p, void *ctx);    // outputs: that number, [B]; the loss's slope over it

int nc_report_image(const NcReport *r);                                 // the field that is an image, and small enough; -1
bool nc_report_put_image(NcReport *r, int field, int64_t example);      // false: nothing was put
bool nc_report_put_mosaic(NcReport *r, const NacreOutput *o, const char *style, const char *text);

// Worst mistakes, and the rows of a table that they are: columns of the report's own, then those of the features.
typedef struct { int64_t i; double worse; } NcMiss;                     // i: its place in the part
void nc_report_worst_first(NcMiss *m, int64_t n);
int nc_report_table(const NcReport *r);                                 // the field that is a row of a table; -1
typedef struct {
  const char *head;                    // <th>…</th> of the columns between the example's number and the features
  void (*cells)(NcReport *r, void *ctx, int64_t i);                     // <td>…</td> of them
  void *ctx;
} NcReportRows;
void nc_report_rows(NcReport *r, const NcReportRows *q, const NcMiss *m, int64_t n);   // a few of the first

// The sections.
bool nc_report_curves(NcReport *r);       // report_curves.c
bool nc_report_classes(NcReport *r);      // report_classes.c: confusion, calibration, mistakes
bool nc_report_regression(NcReport *r);   // report_values.c
bool nc_report_plane(NcReport *r);        // report_plane.c
bool nc_report_samples(NcReport *r);      // report_samples.c
bool nc_report_filters(NcReport *r);      // report_weights.c
bool nc_report_weights(NcReport *r);
bool nc_report_network(NcReport *r);      // report_about.c
bool nc_report_environment(NcReport *r);
bool nc_report_card(NcReport *r);
bool nc_report_source(NcReport *r);
#endif
