// Tokens. A newline is a token of its own where it could end a statement: runs of them are one, and one
// before `|>`, `->` or `else` is none. The parser passes over them inside brackets.
#ifndef NC_LEX_H
#define NC_LEX_H
#include "front/ast.h"

#define NC_TOKENS(X) \
  X(EOF, "the end of the file") X(NL, "the end of the line") X(SEMI, "`;`") \
  X(ID, "a name") X(INT, "a number") X(FLOAT, "a number") X(STR, "a string") X(BAD, "this") \
  X(LPAREN, "`(`") X(RPAREN, "`)`") X(LBRACK, "`[`") X(RBRACK, "`]`") X(LBRACE, "`{`") X(RBRACE, "`}`") \
  X(COMMA, "`,`") X(COLON, "`:`") X(ASSIGN, "`=`") X(DOT, "`.`") X(DOTS, "`..`") X(SPREAD, "`...`") \
  X(PIPE, "`|>`") X(ARROW, "`->`") \
  X(EQ, "`==`") X(NE, "`!=`") X(LT, "`<`") X(LE, "`<=`") X(GT, "`>`") X(GE, "`>=`") \
  X(PLUS, "`+`") X(MINUS, "`-`") X(STAR, "`*`") X(SLASH, "`/`") X(AT, "`@`") X(PERCENT, "`%`") X(CARET, "`^`")

typedef enum {
#define X(id, text) NC_T_##id,
  NC_TOKENS(X)
#undef X
} NcTokenKind;

// NC_WORDS(id, spelling, is reserved): a word that is not reserved is a name wherever its role is not asked for.
#define NC_WORDS(X) \
  X(NONE, "", 0) \
  X(IF, "if", 1) X(ELSE, "else", 1) X(REPEAT, "repeat", 1) X(SCAN, "scan", 1) X(FOR, "for", 1) X(LET, "let", 1) \
  X(AND, "and", 1) X(OR, "or", 1) X(NOT, "not", 1) X(TRUE, "true", 1) X(FALSE, "false", 1) X(NEW, "new", 1) \
  X(IMPORT, "import", 0) X(CONST, "const", 0) X(FN, "fn", 0) X(LAYER, "layer", 0) X(MODEL, "model", 0) \
  X(TASK, "task", 0) X(DATA, "data", 0) X(TRAIN, "train", 0) X(WEIGHTS, "weights", 0) X(TEST, "test", 0) \
  X(PARAM, "param", 0) X(STATE, "state", 0) X(UPDATE, "update", 0) X(ASSERT, "assert", 0) X(NEXT, "next", 0) \
  X(EXPECT, "expect", 0) X(GRADCHECK, "gradcheck", 0) X(STAGE, "stage", 0) X(STEP, "step", 0) \
  X(NN, "nn", 0) X(AS, "as", 0) X(FROM, "from", 0) X(FROZEN, "frozen", 0) X(WITH, "with", 0) X(IN, "in", 0) \
  X(AXIS, "axis", 0) X(REVERSE, "reverse", 0) X(EMIT, "emit", 0) X(ON, "on", 0) \
  X(REARRANGE, "rearrange", 0) X(EINSUM, "einsum", 0) X(GRAD, "grad", 0)

typedef enum {
#define X(id, text, reserved) NC_W_##id,
  NC_WORDS(X)
#undef X
  NC_W_COUNT
} NcWord;

typedef struct {
  NcTokenKind kind;
  NcWord word;             // of an ID
  uint32_t begin, end;
  const char *name;        // ID, interned
  int64_t i;               // INT; of a STR: whether its closing quote was there
  double f;                // FLOAT
} NcToken;

typedef NC_VEC(NcToken) NcTokens;
typedef NC_VEC(NcComment) NcComments;

typedef struct {
  NcArena *arena;
  NcDiag *diag;
  NcMap *names;
  uint32_t source;
} NcLexer;

// Tokens of bytes [begin, end) of the source, ending with EOF; comments are added to `comments` unless it is NULL.
NcTokens nc_lex(const NcLexer *l, uint32_t begin, uint32_t end, NcComments *comments);

const char *nc_token_word(NcTokenKind k);   // for messages: "`->`", "a name"
const char *nc_word(NcWord w);
bool nc_word_reserved(NcWord w);

#endif
