// Parser and printer under libFuzzer; not part of `make check`. From the root of the source tree:
//
//   clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Ilib -Icompiler
//       tests/fuzz/fuzz_front.c compiler/front/*.c lib/base/*.c -lm -o fuzz_front
//   mkdir -p corpus && ./fuzz_front -max_len=4096 corpus tests/front examples
#include <stdlib.h>
#include <string.h>
#include "front/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  NcArena *a = nc_arena_new();
  if (!a) return 0;
  if (NC_ON_OOM(a)) {
    nc_arena_free(a);
    return 0;
  }
  NcDiag *d = nc_diag_new(a), *e = nc_diag_new(a);
  NcMap names = NC_MAP(a);
  NcFile *f = nc_parse(a, d, &names, nc_diag_source(d, "fuzz.nn", (const char *)data, size));
  NcBuf text = NC_BUF(a), again = NC_BUF(a), messages = NC_BUF(a);
  nc_diag_render(d, &messages, true);
  nc_diag_json(d, &messages);
  if (d->errors == 0) {
    nc_print_file(&text, d, f);
    NcFile *g = nc_parse(a, e, &names, nc_diag_source(e, "fuzz.nn", nc_buf_str(&text), text.n));
    nc_print_file(&again, e, g);
    bool same = e->errors == 0 && nc_file_eq(f, g) && strcmp(nc_buf_str(&text), nc_buf_str(&again)) == 0;
    if (!same) abort();   // the fuzzer keeps the input
  }
  nc_arena_free(a);
  return 0;
}
