// A picture of boxes and arrows: what `nacre graph` and the report draw. It is built by picture_model.c (layers) or picture_plan.c
// (launches), folded, and printed as DOT for Graphviz.
//
// Items are a tree: a frame has children, a box has none. Boxes that come in equal runs, each turn feeding the next, are
// folded into one turn that says how often.
#ifndef NC_PICTURE_H
#define NC_PICTURE_H
#include "train/model.h"

typedef struct NcItem NcItem;
struct NcItem {
  NcItem *up;
  const char *name, *kind;   // what it is called; of which layer it is, where the name does not say so
  NC_VEC(const char *) line; // below: shape, parameters
  const char *family;        // decides the colour; NULL: the user's own
  bool frame, round, part;   // round: an input or output; part: a bare operation, which may be joined with others
  int parts;                 // operations that a box joins
  int times;                 // turns of a run that this shows
  NC_VEC(NcItem *) child;
  const NcStep *step;        // the launch that it is, where it is one
  NcItem *into;              // it was joined with that one
  int first, last;           // numbers of its boxes, the turns that it stands for included
  uint64_t hash;             // equal for what is drawn alike
};

// What a gradient reads of the way forward, and what an update reads, is aside: no reason against a run.
typedef enum { NC_ARROW, NC_ARROW_KEPT, NC_ARROW_UPDATE } NcArrowKind;
typedef struct { NcItem *from, *to; bool dropped; NcArrowKind kind; } NcArrow;

typedef struct {
  NcArena *arena;
  const char *title, *caption;      // caption: above it, or NULL
  NcItem *root;
  NC_VEC(NcArrow) arrow;
  NcMap seen;                // of arrows
  int boxes, arrows, depth;  // of what is drawn
  NcItem **drawn;            // by a box's number: the one that shows it
  NcItem **box;              // by number
} NcPicture;

NcPicture *nc_picture_new(NcArena *a, const char *title);
NcItem *nc_picture_item(NcPicture *p, NcItem *up, const char *name, const char *family, bool frame);
void nc_picture_line(NcPicture *p, NcItem *i, const char *text);
void nc_picture_arrow(NcPicture *p, NcItem *from, NcItem *to);      // once; none to itself

// Joins bare operations that follow each other, numbers the boxes, folds runs, counts what is left.
void nc_picture_fold(NcPicture *p);
void nc_picture_dot(const NcPicture *p, NcBuf *out);
void nc_picture_json(const NcPicture *p, NcBuf *out);               // "boxes":[…],"arrows":[…]

// The layers of a program. depth 0: as deep as a picture of about forty boxes allows, and into no layer of the prelude.
NcPicture *nc_picture_model(NcArena *a, const NcProgram *program, int depth);
// The launches of a plan; those of a layer so many deep as one box. depth 0: each by itself where that stays legible.
NcPicture *nc_picture_plan(NcArena *a, const NcPlan *plan, const char *title, int depth);
// Of a picture of launches, not yet folded: one with a box for all launches of a layer so many deep, on the way forward, and one
// for those of its gradient. nc_picture_layers_deep: how many deep the layers go.
NcPicture *nc_picture_layers(const NcPicture *launches, const NcPlan *plan, int depth);
int nc_picture_layers_deep(const NcPlan *plan);
const char *nc_amount(NcArena *a, double v, const char *unit, double base);    // "3.1 Mflop"

const char *nc_shape_text(NcArena *a, NcType t, int64_t batch);      // "[B, 64]", "i32[B]"

// graphviz.c: what Graphviz makes of a DOT text: "svg" or "png". NULL, and *why: "is not installed" where there is no `dot`.
typedef struct { bool absent; const char *why; } NcDotTrouble;
char *nc_graphviz(NcArena *a, const char *text, size_t n, const char *format, size_t *size, NcDotTrouble *why);
#endif
