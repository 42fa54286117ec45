// What the parts of the parser share: parse.c (tokens, errors, recovery), parse_decl.c, parse_stmt.c,
// parse_type.c, parse_expr.c, text.c. Recursive descent over an array of tokens.
//
// An error sets `panic`: further errors are silent and every loop returns, until the statement (or
// declaration) that holds it is passed over. A slip whose meaning is clear is reported without panic.
#ifndef NC_PARSER_H
#define NC_PARSER_H
#include "front/lex.h"

typedef struct {
  NcLexer lex;
  NcArena *arena;
  NcDiag *diag;
  const char *text;
  NcTokens tok;
  int at;          // the token to be read next (newlines are passed over while nest > 0)
  int nest;        // open ( and [ of the innermost block: newlines do not count inside
  int depth;       // of recursion
  int comment;     // the first after the last declaration's first word
  int unclosed;    // 1 + token where a missing closing mark was reported last
  bool panic;
} NcParser;

typedef enum { NC_IN_CODE, NC_IN_TEST, NC_IN_DATA, NC_IN_TRAIN, NC_IN_STAGE } NcBlockKind;

void nc_p_start(NcParser *p, NcArena *a, NcDiag *d, NcMap *names, uint32_t source);

// Looking
const NcToken *nc_p_tok(const NcParser *p);              // the next token
const NcToken *nc_p_ahead(const NcParser *p, int k);     // k tokens after it
bool nc_p_is(const NcParser *p, NcTokenKind k);
bool nc_p_word(const NcParser *p, NcWord w);
NcRange nc_p_range(const NcParser *p, const NcToken *t);
NcRange nc_p_here(const NcParser *p);                    // of the next token
NcRange nc_p_from(const NcParser *p, NcRange begin);     // from there to the end of the last token read
bool nc_p_starts_decl(const NcParser *p);                // a declaration's word at the start of a line
bool nc_p_starts_decl_at(const NcParser *p, int token);
bool nc_p_starts_expr(const NcParser *p);

// Reading
const NcToken *nc_p_next(NcParser *p);                   // the end of the file is not passed
bool nc_p_accept(NcParser *p, NcTokenKind k);
bool nc_p_accept_word(NcParser *p, NcWord w);
// NULL when it was there; `why`: "after the name", or NULL
NcMessage *nc_p_expect(NcParser *p, NcTokenKind k, const char *why);
bool nc_p_expect_word(NcParser *p, NcWord w, const char *example);
NcName nc_p_name(NcParser *p, const char *what);         // "a name for the layer"
NcRange nc_p_open(NcParser *p);                          // reads ( or [; newlines stop counting
void nc_p_close(NcParser *p, NcTokenKind k, NcRange open);
bool nc_p_more(NcParser *p, NcTokenKind close);          // between items: reads a comma; false at the end of the list
bool nc_p_enter(NcParser *p);                            // false (E0106) when too deep; nc_p_leave in any case
void nc_p_leave(NcParser *p);

// Errors: NULL in panic. Only the second kind starts one.
__attribute__((format(printf, 4, 5)))
NcMessage *nc_p_slip(NcParser *p, NcCode code, NcRange at, const char *fmt, ...);
__attribute__((format(printf, 4, 5)))
NcMessage *nc_p_error(NcParser *p, NcCode code, NcRange at, const char *fmt, ...);
__attribute__((format(printf, 3, 4)))
void nc_p_help(NcParser *p, NcMessage *m, const char *fmt, ...);      // m may be NULL
NcMessage *nc_p_unexpected(NcParser *p, const char *wanted);          // "expected WANTED, found `x`"
NcRange nc_p_gap(const NcParser *p);                     // just after the last token read
const char *nc_p_found(const NcParser *p);               // the next token in words
void nc_p_sync(NcParser *p);                             // ends panic at the end of the statement
void nc_p_sync_decl(NcParser *p);                        // ends panic before the next declaration

// Nodes
NcExpr *nc_p_new(NcParser *p, NcExprKind kind, NcRange at);
NcExpr *nc_p_done(NcParser *p, NcExpr *e);               // sets `at` to its end and `depth`
int nc_p_stmt_depth(const NcStmt *s);

NcExpr *nc_p_expr(NcParser *p);
NcExpr *nc_p_string(NcParser *p, bool plain);            // plain: holes are not looked for
void nc_p_args(NcParser *p, NcTokenKind close, NcArgs *out);
void nc_p_index(NcParser *p, NcArgs *out);               // up to the closing bracket
NcExpr *nc_p_pattern(NcParser *p, NcExprKind kind);      // rearrange[…], einsum[…]
NcTypeExpr *nc_p_type(NcParser *p);
NcBlock *nc_p_block(NcParser *p, NcBlockKind kind);
void nc_p_decl(NcParser *p, NcFile *f);                  // at its first word
void nc_p_file(NcParser *p, NcFile *f);

#endif
