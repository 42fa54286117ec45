// From source text to syntax tree, and back.
#ifndef NC_PARSE_H
#define NC_PARSE_H
#include "front/ast.h"

// Parses a whole file. Never NULL: errors are in d (several in one run), and the tree holds what could be read.
// All files of one compilation (the prelude, the user's, imports) share one map of names.
NcFile *nc_parse(NcArena *a, NcDiag *d, NcMap *names, uint32_t source);

// Parses one declaration, without a doc comment, from where it stands in its source: its first word is the first token.
const NcDecl *nc_parse_decl(NcArena *a, NcDiag *d, NcMap *names, NcRange at);

// Parses a source that is one expression: the value of `--set path=value`. NULL after an error.
NcExpr *nc_parse_expr(NcArena *a, NcDiag *d, NcMap *names, uint32_t source);

// The one layout: `nacre fmt`. Comments and single blank lines are kept; d holds the file's source.
// Only for a file that was parsed without an error.
void nc_print_file(NcBuf *out, const NcDiag *d, const NcFile *f);
void nc_print_expr(NcBuf *out, const NcExpr *e);         // on one line
void nc_print_text(NcBuf *out, const char *s);           // as a text of the language: in quotes, with what that needs
void nc_print_type(NcBuf *out, const NcTypeExpr *t);
void nc_print_signature(NcBuf *out, const NcDecl *d);    // layer dense(units: int, …)(x: f32[…]) -> f32[…]

#endif
