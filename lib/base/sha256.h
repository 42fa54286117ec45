// SHA-256 (FIPS 180-4), the sum that `sha256sum` prints: how runs and checkpoints name the files they were made from.
#ifndef NC_SHA256_H
#define NC_SHA256_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
  uint32_t h[8];
  uint64_t size;             // bytes so far
  unsigned char block[64];
} NcSha256;

enum { NC_SHA256_TEXT = 65 };
void nc_sha256_begin(NcSha256 *s);
void nc_sha256_add(NcSha256 *s, const void *bytes, size_t n);
void nc_sha256_end(NcSha256 *s, char text[NC_SHA256_TEXT]);         // 64 hexadecimal digits and NUL
bool nc_sha256_file(const char *path, char text[NC_SHA256_TEXT], int64_t *size);   // false, with errno, when it cannot be read
#endif
