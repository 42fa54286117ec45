// Predictions as they are asked for: a line of numbers on stdin, a line of numbers on stdout, until stdin ends.
//   cc stream.c $(pkg-config --cflags --libs nacre) -o stream
//   sensor | ./stream RUN-DIRECTORY | alarm
#include <nacre.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1024, LINE = 1 << 16 };

// The numbers of a line, with commas or spaces between them. False where there are more or fewer than n, or something else.
static int read_numbers(const char *s, float *x, int n) {
  for (int i = 0; i < n; i++) {
    char *end;
    x[i] = strtof(s, &end);
    if (end == s) return 0;
    s = end + strspn(end, " \t");
    if (*s == ',') s++;
  }
  return s[strspn(s, " \t\r\n")] == 0;
}

static NacreStatus answer(NacreModel *m, const float *x) {
  const void *data[] = {x};
  const NacreTensor *shape;
  const float *y;   // valid until the next call with m
  NacreStatus s = nacre_predict(m, 1, data, &shape, &y);
  int64_t n = 1;
  for (int i = 0; s == NACRE_OK && i < shape->rank; i++) n *= shape->dim[i];
  for (int64_t i = 0; s == NACRE_OK && i < n; i++) printf("%s%.9g", i ? "," : "", (double)y[i]);
  if (s == NACRE_OK) putchar('\n');
  fflush(stdout);   // whoever reads waits for this line
  return s;
}

static NacreStatus stream(NacreModel *m) {
  static char line[LINE];
  static float x[MOST];
  int inputs;
  const NacreTensor *in;
  NacreStatus s = nacre_inputs(m, &inputs, &in);
  if (s != NACRE_OK) return s;
  int n = inputs == 1 && in->rank == 1 && strcmp(in->dtype, "f32") == 0 && in->dim[0] <= MOST ? (int)in->dim[0] : 0;
  if (!n) return fprintf(stderr, "the network does not take rows of up to %d numbers\n", MOST), NACRE_USAGE;
  for (long number = 1; s == NACRE_OK && fgets(line, sizeof line, stdin); number++) {
    if (read_numbers(line, x, n)) s = answer(m, x);
    else fprintf(stderr, "line %ld is not %d numbers: left out\n", number, n);
  }
  return s;
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: %s RUN-DIRECTORY <numbers >predictions\n", argv[0]);
    return NACRE_USAGE;
  }
  NacreModel *m;
  NacreStatus s = nacre_open_run(argv[1], NULL, NULL, &m);
  if (s == NACRE_OK) s = stream(m);
  if (m) fputs(nacre_message(m), stderr);
  nacre_close(m);
  return (int)s;
}
