// Asks a trained network of two numbers: guess RUN X1 X2
#include <nacre.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc != 4) return fprintf(stderr, "usage: guess RUN X1 X2\n"), NACRE_USAGE;
  const float point[] = {strtof(argv[2], NULL), strtof(argv[3], NULL)};
  const void *inputs[] = {point};
  NacreModel *m;
  const NacreTensor *shape;
  const float *score;
  NacreStatus s = nacre_open_run(argv[1], NULL, NULL, &m);  // the best checkpoint, on the best device
  if (s == NACRE_OK) s = nacre_predict(m, 1, inputs, &shape, &score);
  if (s == NACRE_OK) printf("class %d\n", score[1] > score[0]);
  if (m) fputs(nacre_message(m), stderr);
  nacre_close(m);
  return s;
}
