// Whole data files in memory, plain or gzip, and the words with which readers refuse them.
//
// A reader takes NcBytes and trusts none of them. What it refuses it reports as E0402 with the file's
// name, the place, what was found and what was expected.
#ifndef NC_BYTES_H
#define NC_BYTES_H
#include "base/diag.h"
#include "base/type.h"

typedef struct {
  const char *path;          // for messages
  NcRange at;                // where the .nn source names the file
  const unsigned char *data; // NUL-terminated
  size_t n;                  // bytes at data
  bool head;                 // only the first part of the file was read: the sizes cannot be checked against the file
  size_t size;               // of the whole file when known (plain files), else 0
} NcBytes;

// Reads a file, through gzip where it begins with gzip's two magic bytes. limit 0 reads all of it, else only the
// first `limit` bytes (for headers; at least 4096). false after E0401 (cannot be opened) or E0402 (broken gzip).
bool nc_bytes_read(NcArena *a, NcDiag *d, NcRange at, const char *path, size_t limit, NcBytes *out);

// Reports E0402 "`PATH` ...sentence". Returns the message, for notes and help.
__attribute__((format(printf, 3, 4))) NcMessage *nc_malformed(NcDiag *d, const NcBytes *b, const char *fmt, ...);

// An array as read from a file, in one of Nacre's own element types.
typedef struct {
  NcType type;
  void *data;                // row-major, in the arena; NULL when only the header was read
} NcArray;

// Elements of a shape and bytes of them, or false where one is negative or the product is over 2^48.
bool nc_size_of(NcShape s, size_t element, size_t *count, size_t *bytes);
#endif
