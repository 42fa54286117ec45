// The inside of predictions, shared by predict.c (arrays, tables, parts of the data) and predict_images.c.
#ifndef NC_PREDICT_H
#define NC_PREDICT_H
#include "train/output.h"

typedef struct {
  int64_t n;
  const void *const *data;   // of each input, n examples
  const char *part;          // of the data, that they are; "": of none
  int outs;
  NacreOutput *out;          // of all examples: axis 0 has n
  NacreTensor *one;          // room for the shape of one
} NcPredict;

bool nc_predict(NacreModel *m, void *predict);                            // an NcPredict
bool nc_predict_inputs(NacreModel *m, NcArena *a, int *n, NacreTensor **in);   // false after E0310: there is no model
bool nc_predict_form(NacreModel *m, const char *format);                  // false after E0702: neither csv nor json
// The labels that the one output tells apart; NULL where it does not.
const NcField *nc_predict_classes(const NacreModel *m, const NcPredict *p);
int64_t nc_predict_largest(const NacreOutput *o, int64_t example, int64_t per);
#endif
