// A trained network inside of a program: opened once, asked once, and nothing is trained.
//   cc classify.c $(pkg-config --cflags --libs nacre) -o classify
//   nacre train iris.nn --out flowers && ./classify flowers 5.1 3.5 1.4 0.2
#include <nacre.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// How many numbers one example has; 0 where the network takes something other than a row of numbers.
static NacreStatus numbers(NacreModel *m, int *n) {
  int inputs;
  const NacreTensor *in;
  NacreStatus s = nacre_inputs(m, &inputs, &in);
  *n = s == NACRE_OK && inputs == 1 && in->rank == 1 && strcmp(in->dtype, "f32") == 0 ? (int)in->dim[0] : 0;
  return s;
}

static NacreStatus classify(NacreModel *m, const float *x) {
  const void *data[] = {x};
  const NacreTensor *shape;
  const float *score;
  NacreStatus s = nacre_predict(m, 1, data, &shape, &score);
  if (s != NACRE_OK) return s;
  int64_t best = 0;
  for (int64_t i = 0; i < shape->dim[0]; i++)
    if (score[i] > score[best]) best = i;
  const char *name = nacre_class_name(m, best);   // NULL where the data has none
  printf("class %lld%s%s, score %.6g\n", (long long)best, name ? " " : "", name ? name : "", (double)score[best]);
  return s;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: %s RUN-DIRECTORY NUMBER...\n", argv[0]);
    return NACRE_USAGE;
  }
  float *x = calloc((size_t)argc, sizeof *x);
  for (int i = 2; x && i < argc; i++) x[i - 2] = strtof(argv[i], NULL);
  NacreModel *m;
  int n = 0;
  NacreStatus s = nacre_open_run(argv[1], NULL, NULL, &m);   // its best checkpoint, on the best device
  if (s == NACRE_OK) s = numbers(m, &n);
  if (s == NACRE_OK && (!x || n != argc - 2)) {
    fprintf(stderr, "the network takes %d numbers, not %d\n", n, argc - 2);
    s = NACRE_USAGE;
  } else if (s == NACRE_OK) s = classify(m, x);
  if (m) fputs(nacre_message(m), stderr);
  nacre_close(m);
  free(x);
  return (int)s;
}
