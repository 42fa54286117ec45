// Diagnostics: errors with a place, collected and returned; nothing here prints or exits.
//
// A message has a code (base/errors.def), a primary range with a sentence, further labelled
// ranges (usually shapes), notes (where a number came from) and one help line (the mend).
// The code decides the exit status.
#ifndef NC_DIAG_H
#define NC_DIAG_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"

// Bytes [begin, end) of source number `file`; file 0 is "no place". Copied by value. `layer` is the instance of a layer in
// which that place was met (nc_diag_layer), 0 where it is nobody's: the same line makes many layers in a `repeat`.
typedef struct { uint32_t file, begin, end, layer; } NcRange;
#define NC_NOWHERE ((NcRange){0, 0, 0, 0})
NcRange nc_join(NcRange a, NcRange b);   // from the start of a to the end of b
bool nc_same_place(NcRange a, NcRange b);   // whichever layers they are in

typedef struct {
  const char *name;          // as the user gave it
  const char *text;          // NUL-terminated
  size_t size;
  uint32_t *line;            // offset where line i (from 0) begins
  int lines;
} NcSource;

typedef enum {
#define NC_ERR(code, exit_status, title) NC_##code,
#include "base/errors.def"
#undef NC_ERR
  NC_ERROR_COUNT
} NcCode;

const char *nc_code_name(NcCode c);      // "E0203"
const char *nc_code_title(NcCode c);
int nc_code_exit(NcCode c);              // 1 run, 2 usage, 3 model, 4 data, 5 device
bool nc_code_find(const char *name, NcCode *out);

typedef enum { NC_NOTE, NC_WARNING, NC_ERROR } NcSeverity;
typedef struct { NcRange at; const char *text; } NcLabel;
typedef struct {
  NcSeverity severity;
  NcCode code;
  NcRange at;                // primary; underlined with ^
  const char *text;          // one sentence, no full stop
  const char *label;         // beside the ^^^, or NULL
  NC_VEC(NcLabel) labels;    // underlined with -
  NC_VEC(const char *) notes;
  const char *help;          // the mend, or NULL
} NcMessage;

typedef struct {
  NcArena *arena;
  NC_VEC(NcSource) sources;  // source number f is sources.at[f - 1]
  NC_VEC(const char *) layers;   // paths of layers' instances; number i is layers.at[i - 1]
  NC_VEC(NcMessage *) messages;
  int errors;
  int limit;                 // more errors than this are counted, not kept (0: 20)
} NcDiag;

NcDiag *nc_diag_new(NcArena *a);
uint32_t nc_diag_source(NcDiag *d, const char *name, const char *text, size_t size);  // copies; returns its number
const NcSource *nc_diag_file(const NcDiag *d, uint32_t file);                          // NULL for 0
uint32_t nc_diag_layer(NcDiag *d, const char *path);          // a number for NcRange.layer; the path must outlive d. "" is 0
const char *nc_layer(const NcDiag *d, NcRange at);            // "mlp.dense"; "" where it is nobody's
void nc_line_col(const NcSource *s, uint32_t offset, int *line, int *col);             // from 1; columns in bytes

// Reports an error and returns it so that labels, notes and a help line can be added.
__attribute__((format(printf, 4, 5)))
NcMessage *nc_error(NcDiag *d, NcCode code, NcRange at, const char *fmt, ...);
__attribute__((format(printf, 4, 5)))
NcMessage *nc_warn(NcDiag *d, NcCode code, NcRange at, const char *fmt, ...);
__attribute__((format(printf, 4, 5)))
void nc_label(NcDiag *d, NcMessage *m, NcRange at, const char *fmt, ...);
__attribute__((format(printf, 3, 4))) void nc_note(NcDiag *d, NcMessage *m, const char *fmt, ...);
__attribute__((format(printf, 3, 4))) void nc_help(NcDiag *d, NcMessage *m, const char *fmt, ...);

// Takes back what was reported since there were so many messages and errors: another way was found.
void nc_diag_forget(NcDiag *d, int messages, int errors);

int nc_diag_exit(const NcDiag *d);                            // exit status of the first error; 0 when there is none
void nc_diag_render(const NcDiag *d, NcBuf *out, bool color); // all messages as a person reads them
void nc_diag_json(const NcDiag *d, NcBuf *out);               // one JSON object per line
// "model.nn:14:9", or "" for no place.
const char *nc_place(const NcDiag *d, NcArena *a, NcRange at);
#endif
