// Files in memory, for suites of readers.
#ifndef NC_TEST_READERS_H
#define NC_TEST_READERS_H
#include "base/file.h"
#include "io/bytes.h"
#include "tempdir.h"

// A copy of exactly that size, so that a sanitizer sees any step beyond.
static inline NcBytes bytes(const void *p, size_t n) {
  return (NcBytes){.path = "file", .data = nc_memdup(arena, p, n + 1), .n = n, .size = n};
}
#define BYTES(literal) bytes(literal, sizeof(literal) - 1)

static inline const char *message(void) { return diag->messages.n ? diag->messages.at[diag->messages.n - 1]->text : "(none)"; }

// A safetensors file with that head, and as many bytes of data.
static inline NcBytes tensors(const char *json, size_t data) {
  NcBuf b = NC_BUF(arena);
  size_t n = strlen(json);
  for (int i = 0; i < 8; i++) nc_putc(&b, (char)(n >> 8 * i));
  nc_put(&b, json);
  for (size_t i = 0; i < data; i++) nc_putc(&b, (char)i);
  return bytes(b.at, b.n);
}
#define TENSOR(dtype, shape, from, to) "{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

#endif
