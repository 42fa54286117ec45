// What the parts of the printer share: print.c (expressions and types), print_file.c (statements,
// declarations, comments).
//
// Layout: what fits on its line and was not broken by its author stays on one line. A pipe keeps the
// line breaks before its `|>`; a block keeps to one line or to several, as written; a list of arguments is
// broken only when it must be: its items on one line of their own, else one item to a line.
#ifndef NC_PRINT_H
#define NC_PRINT_H
#include "front/ast.h"

enum { NC_LINE = 120, NC_INDENT = 2 };

typedef struct {
  NcBuf *out;
  NcBuf *scratch;          // to measure in; NULL when flat
  const char *text;        // the source; NULL when there is none
  const NcFile *file;      // for its comments; may be NULL
  int comment;             // the next one to be put
  int indent;
  int brackets;            // open ( and [: an operator may start a line
  bool flat;               // all on one line
  uint32_t done;           // end in the source of what was printed last
  bool displaced;          // a comment stood where none can be kept and was moved behind
} NcPrint;

// Empty lines; NC_FIRST: none before the first line.
typedef enum { NC_NO_BLANK, NC_FIRST, NC_BLANK_AS_WRITTEN, NC_BLANK } NcBlank;

void nc_pr_expr(NcPrint *p, const NcExpr *e, int level, int tail);   // tail: columns needed after it on its line
void nc_pr_type(NcPrint *p, const NcTypeExpr *t);
void nc_pr_list(NcPrint *p, const NcArgs *list, char open, char close, uint32_t end, int tail);
void nc_pr_block(NcPrint *p, const NcBlock *b, bool broken, int tail);

int nc_pr_width(const NcPrint *p, const NcExpr *e);                     // on one line
int nc_pr_column(const NcPrint *p);
bool nc_pr_must_break(const NcPrint *p, const NcExpr *e);
bool nc_pr_block_must_break(const NcPrint *p, const NcBlock *b);
bool nc_pr_newline_in(const NcPrint *p, uint32_t begin, uint32_t end);
bool nc_pr_comment_in(const NcPrint *p, NcRange at);

// Ends the line, with the comments that stand before `upto` in the source, and begins one at the indent.
void nc_pr_newline(NcPrint *p, uint32_t upto, NcBlank blank);
// The same before a closing mark at `upto`: the comments are indented as what is in it, the new line is not.
void nc_pr_dedent(NcPrint *p, uint32_t upto);

#endif
