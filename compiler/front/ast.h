// The syntax tree of a .nn file, for the whole grammar of the language.
//
// Expressions, statements and declarations are one struct each; the tables below say which fields a kind
// uses (all others are zero). Names are interned: names from one NcMap are equal when their pointers are.
// Every node has its range. After a syntax error parts may be missing (NC_X_BAD, NULL): only the tree of a file
// without errors is fit for use. `depth` bounds every recursion over a tree at NC_MAX_DEPTH.
#ifndef NC_AST_H
#define NC_AST_H
#include "base/diag.h"
#include "base/map.h"
#include "base/type.h"

typedef struct NcExpr NcExpr;
typedef struct NcStmt NcStmt;
typedef struct NcTypeExpr NcTypeExpr;

typedef struct { const char *s; NcRange at; } NcName;   // s is NULL where there is none

// An argument, an item of a tuple or list, a carry `h = x`, or a binder `i < n`. `at` spans the name too.
typedef struct { NcName name; NcExpr *e; NcRange at; } NcArg;
typedef NC_VEC(NcArg) NcArgs;

typedef struct { NcRange at; unsigned short depth; NC_VEC(NcStmt *) stmt; } NcBlock;   // `at` includes the braces

// NC_EXPRS(kind, its name in messages): which fields it uses
#define NC_EXPRS(X) \
  X(BAD, "error")             /* nothing: already reported */ \
  X(INT, "integer")           /* i; text: as written */ \
  X(FLOAT, "number")          /* f; text: as written */ \
  X(BOOL, "truth value")      /* i: 0 or 1 */ \
  X(STR, "string")            /* s: its bytes, escapes undone; text: as written, with quotes (NULL for a piece) */ \
  X(TEXT, "string")           /* a string with holes, "width {D}": list alternates STR pieces and holes; text */ \
  X(NAME, "name")             /* name */ \
  X(UNARY, "operator")        /* op: NC_B_NEG or NC_B_NOT; a */ \
  X(BINARY, "operator")       /* a op b */ \
  X(PIPE, "pipe")             /* a |> b */ \
  X(CALL, "call")             /* a(list) */ \
  X(INDEX, "index")           /* a[list]; items are also SLICE, NEW, SPREAD: x[0..2], zeros[B, n], w[:, new] */ \
  X(FIELD, "field")           /* a.name */ \
  X(AS, "instance")           /* a as name [from source] [frozen] */ \
  X(SLICE, "slice")           /* a..b, each may be NULL; `:` has neither (only in an index) */ \
  X(NEW, "new axis")          /* `new` (only in an index) */ \
  X(SPREAD, "axes")           /* S... in name (only in axes) */ \
  X(TUPLE, "tuple")           /* (list), items may have names */ \
  X(LIST, "list")             /* [list] */ \
  X(IF, "if")                 /* if a body else other; `else if` is an `other` of one IF statement */ \
  X(REPEAT, "repeat")         /* repeat [name <] a with list body */ \
  X(SCAN, "scan")             /* scan name in a [axis b] [reverse c] with list body */ \
  X(FOR, "for")               /* [name] for list body: name is the reducer, list the binders `i < n` */ \
  X(REARRANGE, "rearrange")   /* list: one AXES on the left; b: AXES on the right */ \
  X(EINSUM, "einsum")         /* list: AXES of each operand; b: AXES of the result */ \
  X(AXES, "axes")             /* list: NAME, INT, SPREAD, or AXES for a group in parentheses */ \
  X(GRAD, "grad")             /* grad(a, name) */

typedef enum {
#define X(id, word) NC_X_##id,
  NC_EXPRS(X)
#undef X
  NC_X_COUNT
} NcExprKind;

// NC_OPERATORS(id, spelling, precedence): higher binds tighter. All but ^ are left-associative; comparisons do not
// chain.
#define NC_OPERATORS(X) \
  X(OR, "or", 1) X(AND, "and", 2) X(NOT, "not", 3) \
  X(EQ, "==", 4) X(NE, "!=", 4) X(LT, "<", 4) X(LE, "<=", 4) X(GT, ">", 4) X(GE, ">=", 4) \
  X(ADD, "+", 5) X(SUB, "-", 5) \
  X(MUL, "*", 6) X(DIV, "/", 6) X(MATMUL, "@", 6) X(MOD, "%", 6) \
  X(NEG, "-", 7) X(POW, "^", 8)

typedef enum {
#define X(id, word, prec) NC_B_##id,
  NC_OPERATORS(X)
#undef X
  NC_B_COUNT
} NcOperator;

struct NcExpr {
  NcExprKind kind;
  NcRange at;              // without the parentheses around it, if any
  bool parens;             // written in (redundant or needed) parentheses; only the printer minds
  bool frozen;             // AS
  unsigned short depth;    // 1 for a leaf
  NcOperator op;           // UNARY, BINARY
  NcRange op_at;           // the operator, `|>`, or the opening bracket of a call or index
  NcName name, source;
  int64_t i;
  double f;
  const char *s, *text;
  NcExpr *a, *b, *c;
  NcArgs list;
  NcBlock *body, *other;
};

// dtype [axes], or a tuple of types whose fields may have names. The axes are expressions or SPREAD.
typedef struct { NcName name; NcTypeExpr *type; } NcTypeField;
struct NcTypeExpr {
  NcRange at;
  bool tuple;
  bool any;                // any[S...]: of whatever element type
  NcDtype dtype;
  NC_VEC(NcExpr *) axis;
  NC_VEC(NcTypeField) field;
};

// NC_STMTS(kind, the word it starts with)
#define NC_STMTS(X) \
  X(BAD, "error") \
  X(EXPR, "expression")       /* e */ \
  X(LET, "let")               /* let names = e; tuple: written (a, b) */ \
  X(PARAM, "param")           /* param name: type = e [frozen] */ \
  X(STATE, "state")           /* state name: type = e */ \
  X(UPDATE, "update")         /* update name = e */ \
  X(ASSERT, "assert")         /* assert e, text (STR or TEXT) */ \
  X(NEXT, "next")             /* next list [emit e] */ \
  X(EXPECT, "expect")         /* expect e */ \
  X(GRADCHECK, "gradcheck")   /* gradcheck e on type */ \
  X(KEY, "setting")           /* name = e (in data, train, stage, step) */ \
  X(STAGE, "stage")           /* stage name body (in train; the body holds KEY and LET) */ \
  X(STEP, "step")             /* step name body (as STAGE) */

typedef enum {
#define X(id, word) NC_S_##id,
  NC_STMTS(X)
#undef X
  NC_S_COUNT
} NcStmtKind;

struct NcStmt {
  NcStmtKind kind;
  NcRange at;
  NcName name;
  NC_VEC(NcName) names;    // LET
  bool tuple, frozen;
  NcTypeExpr *type;
  NcExpr *e, *text;
  NcArgs list;
  NcBlock *body;
};

// NC_DECLS(kind, the word it starts with)
#define NC_DECLS(X) \
  X(IMPORT, "import")         /* import path as name */ \
  X(CONST, "const")           /* const name = e */ \
  X(FN, "fn")                 /* fn name[(hyper)](tensor) [-> result] body; the same for the next three */ \
  X(LAYER, "layer") \
  X(MODEL, "model") \
  X(TASK, "task") \
  X(DATA, "data")             /* data name[(hyper)] body: KEY and LET */ \
  X(TRAIN, "train")           /* train name[(list)] on source body: KEY, LET, STAGE, STEP */ \
  X(WEIGHTS, "weights")       /* weights name = e */ \
  X(TEST, "test")             /* test path body: `path` is its title */

typedef enum {
#define X(id, word) NC_D_##id,
  NC_DECLS(X)
#undef X
  NC_D_COUNT
} NcDeclKind;

// A hyperparameter `name [: kind] [= value]`, or a tensor `name: type`.
typedef struct { NcName name, kind; NcTypeExpr *type; NcExpr *value; NcRange at; } NcFormal;

typedef struct {
  NcDeclKind kind;
  NcRange at;
  const char *doc;         // text of the `##` lines above, without the marks, lines joined by \n; or NULL
  NcName name;
  NC_VEC(NcFormal) hyper, tensor;
  bool has_hyper;          // written, if only as ()
  NcTypeExpr *result;      // NULL when not written
  NcExpr *e;
  const char *path;        // IMPORT, TEST
  NcRange path_at;
  NcArgs list;             // TRAIN
  bool has_list;
  NcName source;           // TRAIN: the data
  NcBlock *body;
} NcDecl;

// Comments stay beside the tree, in source order; the printer weaves them in by their place.
typedef struct {
  NcRange at;              // from the # to the end of the line
  bool own_line;           // nothing but space stands before it
  bool doc;                // belongs to a declaration's doc
} NcComment;

typedef struct {
  uint32_t source;         // number in the NcDiag
  NcRange header;          // the word `nn`
  int version;             // the 1 of `nn 1`; 0 when it is missing
  NC_VEC(NcDecl *) decl;
  NC_VEC(NcComment) comment;
} NcFile;

enum { NC_MAX_DEPTH = 1000 };

const char *nc_expr_word(NcExprKind k);
const char *nc_stmt_word(NcStmtKind k);
const char *nc_decl_word(NcDeclKind k);
const char *nc_operator_word(NcOperator op);
int nc_operator_prec(NcOperator op);

// Structural equality: all but ranges, comments, redundant parentheses and the way a number or string was spelt.
// The names of both must come from one NcMap.
bool nc_expr_eq(const NcExpr *a, const NcExpr *b);
bool nc_type_expr_eq(const NcTypeExpr *a, const NcTypeExpr *b);
bool nc_file_eq(const NcFile *a, const NcFile *b);

#endif
