// The atoms that are more than a line: parse_flow.c.
#ifndef NC_FLOW_H
#define NC_FLOW_H
#include "front/parser.h"

NcExpr *nc_p_if(NcParser *p);
NcExpr *nc_p_repeat(NcParser *p);
NcExpr *nc_p_scan(NcParser *p);
NcExpr *nc_p_for(NcParser *p);
NcExpr *nc_p_spread(NcParser *p);   // S...

#endif
