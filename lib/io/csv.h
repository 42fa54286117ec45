// CSV as in RFC 4180: quoted cells may hold delimiters, line ends and doubled quotes. LF, CRLF and CR end a line; a
// UTF-8 byte-order mark is skipped; lines without any character are skipped. Unquoted cells lose blanks at both ends.
#ifndef NC_CSV_H
#define NC_CSV_H
#include "io/bytes.h"

typedef struct {
  const char *path;
  NcRange at;
  int columns;
  int64_t rows;              // without the header
  const char *const *name;   // [columns]; without a header "column1", "column2", …
  const char **cell;         // [rows × columns], NUL-terminated
  const char **start;        // [rows] the character with which the row begins
  uint32_t *line;            // [rows] its line, from 1
} NcCsv;

bool nc_csv_read(NcArena *a, NcDiag *d, NcRange at, const char *path, char delimiter, bool header, NcCsv *out);
bool nc_csv_parse(NcArena *a, NcDiag *d, const NcBytes *b, char delimiter, bool header, NcCsv *out);

static inline const char *nc_csv_cell(const NcCsv *t, int64_t row, int column) {
  return t->cell[row * t->columns + column];
}
int nc_csv_column(const NcCsv *t, const char *name);         // -1 when there is none
bool nc_csv_missing(const char *cell);                       // empty, NA, N/A, NaN (any case) or ?
bool nc_csv_number(const char *cell, double *out);           // decimal or inf; whatever the process's locale is

// Reports `code` with "`PATH` line L, column C (`name`): …sentence". Row -1 is the header.
__attribute__((format(printf, 6, 7)))
NcMessage *nc_csv_error(NcDiag *d, NcCode code, const NcCsv *t, int64_t row, int column, const char *fmt, ...);
#endif
