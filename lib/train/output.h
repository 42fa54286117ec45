// Named tensors that a graph gave back: to text, and to files by their names' endings.
#ifndef NC_OUTPUT_H
#define NC_OUTPUT_H
#include "train/model.h"

NcType nc_output_type(const NacreOutput *o);
double nc_output_at(const NacreOutput *o, int64_t i);

// Of a classifier's output, whose axis 0 counts examples: how probable each class is. Scores go through softmax; where every
// example's numbers are positive and add up to 1, they are probabilities already.
float *nc_output_probabilities(NcArena *a, const NacreOutput *o);

// What CSV and JSON make of a name and a number: a cell is in quotes where it needs them, and what is not finite is null in JSON.
void nc_put_cell(NcBuf *b, const char *s);
void nc_put_number(NcBuf *b, double v, int digits, bool json);

// All outputs of a loaded plan, in the graph's order, read into the arena. NULL after an error.
NacreOutput *nc_outputs_read(NacreModel *m, NcArena *a, const NcGraph *g, const NcPlan *plan, NcLoaded *loaded, int *n);

// [n, c, h, w], [n, h, w] or [h, w] as one picture of n small ones; false where it has no such shape.
typedef struct {
  int64_t n, one_height, one_width, height, width;
  int channels;
  unsigned char *pixel;
  double black, white;       // the values that are so
} NcMosaic;
bool nc_output_mosaic(NcArena *a, const NacreOutput *o, NcMosaic *out);
bool nc_output_is_images(const NacreOutput *o);              // and is large enough for it to be meant so

// path "x.png", "x.npy", "x.csv", "x.json", "x.txt"; with several outputs each but JSON gets a file of its own, x-NAME.npy. What
// was written is told through `write`, a line each: "wrote x.png: 16 images of 28 by 28".
typedef struct {
  const char *title;         // of the JSON lines' first key: the task's name
  const char *path;          // NULL: text to `write`, and what is too large for that to files named after the title
  bool json;                 // JSON lines to `write` where there is no path
  NacreWrite *write;
  void *ctx;
} NcOutputTo;
bool nc_outputs_write(NacreModel *m, int n, const NacreOutput *o, const NcOutputTo *to);
bool nc_output_path_good(NacreModel *m, const char *path);   // by its ending, before anything is computed; else E0702
#endif
