// Inside of `nacre new`: a model's text from a look at the data.
#ifndef NC_NEW_H
#define NC_NEW_H
#include "front/parse.h"
#include "io/csv.h"
#include "train/plain.h"

typedef struct {
  NcArena *a;
  NcDiag *d;
  const char *path;
  const char *target;        // the column to predict, NULL where it is to be found
  const char *name;          // an identifier, from the data's name: data NAME_data, model NAME_net
  NcBuf out;                 // the text so far
} NcNew;

// Each writes a whole model; false after errors.
bool nc_new_table(NcNew *w);
bool nc_new_series(NcNew *w, const NcCsv *t, char delimiter, bool header, int time, int column);
bool nc_new_images(NcNew *w);
bool nc_new_arrays(NcNew *w, bool idx);                      // a file, and that of the labels beside it
bool nc_new_npz(NcNew *w);
bool nc_new_cifar(NcNew *w);

// What is to be told of each example: a class, or numbers. new_target.c finds out.
typedef struct {
  const char *field;         // what the source calls it: label, target; or y, of which `line` makes one of these
  const char *line;          // "label = argmax(y, axis = 1)  # …"; NULL: the field is it
  int64_t classes;           // 0: it is numbers
  int64_t numbers;           // how many of them, with `axis` in an axis of their own
  bool axis;
  double mean, std;
} NcNewTarget;
// `spec`: the source, with the field `y` alone.
bool nc_new_target(NcNew *w, const NcSourceSpec *spec, NcNewTarget *out);

// Examples, and what is to be told of them.
typedef struct {
  const char *field;         // of the source: image or x
  bool bytes;
  int64_t n;
  NcNewTarget target;
  int64_t channels, height, width;     // channels 0: the field is [height, width]; height 0: it is a vector
  bool last;                 // the channels are the field's last axis
} NcNewShape;
// The head of a model whose input is of these axes; behind it `x |> …` makes so many values of each example, and nc_new_end ends it.
void nc_new_begin(NcNew *w, const NcNewTarget *t, const char *hyper, const char *axes);
int64_t nc_new_values(const NcNewTarget *t);
void nc_new_end(NcNew *w, const NcNewTarget *t);
void nc_new_loss(NcNew *w, const NcNewTarget *t);            // loss and metrics of the recipe
void nc_new_network(NcNew *w, const NcNewShape *s);          // convolutions
void nc_new_training(NcNew *w, const NcNewShape *s);
void nc_new_split(NcNew *w);                                 // by chance; ends the block of the data

void nc_new_remark(NcBuf *b, const char *s);                 // in a comment, which ends with the line: no control characters
void nc_new_head(NcNew *w, const char *what, int64_t n);     // the first lines
bool nc_new_enough(NcNew *w, int64_t n);                     // E0406 where there are too few to learn from
int64_t nc_new_batch(int64_t n, int64_t most);               // a power of two; n: examples of training
int64_t nc_new_epochs(int64_t n, int64_t batch, int64_t steps);   // so that there are about so many steps
#endif
