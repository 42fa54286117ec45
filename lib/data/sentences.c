// A small text without a file: sentences from a few dozen words, in short paragraphs of who went where and met whom.
// Words follow from those before them (a boat sails, a door opens), so that a network has something to find out.
#include <string.h>
#include "data/rand.h"
#include "data/tokens.h"

enum { PARAGRAPHS = 60, MORE = 5 };

static const char *const people[] = {"Anna", "the miller", "old Tobias", "Clara", "the ferryman", "my sister"};
static const char *const places[] = {"the harbour", "the mill", "the market", "the hill", "the river"};
static const char *const weather[] = {"It rained.", "The sun was high.", "A wind came up.", "Snow lay on the roofs.", "Night fell."};

// Things, what they do, and what is done with them.
static const struct { const char *name, *does[3], *done[3]; } things[] = {
  {"boat", {"sailed", "lay still", "turned"}, {"rowed", "painted", "tied up"}},
  {"door", {"opened", "closed", "creaked"}, {"locked", "opened", "knocked at"}},
  {"lamp", {"burned", "went out", "flickered"}, {"lit", "carried", "cleaned"}},
  {"dog", {"barked", "slept", "ran away"}, {"called", "fed", "followed"}},
  {"clock", {"struck nine", "stopped", "ticked"}, {"wound up", "sold", "mended"}},
  {"letter", {"arrived", "was lost", "lay there"}, {"wrote", "read", "burned"}},
};
enum { THINGS = sizeof things / sizeof *things };
#define ANY(r, list) (list)[nc_rand_below((r), sizeof(list) / sizeof *(list))]

static void capital(NcBuf *b, const char *s) {
  nc_putc(b, (char)(*s >= 'a' && *s <= 'z' ? *s - 'a' + 'A' : *s));
  nc_put(b, s + 1);
}

static void sentence(NcBuf *b, NcRand *r, const char *who, const char *other, int thing) {
  const char *name = things[thing].name;
  switch (nc_rand_below(r, 5)) {
    case 0:
      capital(b, who);
      nc_putf(b, " %s the %s at %s.", ANY(r, things[thing].done), name, ANY(r, places));
      break;
    case 1: nc_putf(b, "The %s %s, and %s waited.", name, ANY(r, things[thing].does), other); break;
    case 2: nc_putf(b, "\"Have you seen the %s?\" asked %s.", name, who); break;
    case 3:
      capital(b, other);
      nc_putf(b, " went to %s with %s.", ANY(r, places), who);
      break;
    default: nc_put(b, ANY(r, weather)); break;
  }
}

const char *nc_sentences(NcArena *a, uint64_t seed, size_t *size) {
  NcBuf b = NC_BUF(a);
  for (uint64_t i = 0; i < PARAGRAPHS; i++) {
    NcRand r = nc_rand(seed, NC_RAND_SENTENCES, i);
    uint32_t who = nc_rand_below(&r, 6), other = (who + 1 + nc_rand_below(&r, 5)) % 6, thing = nc_rand_below(&r, THINGS);
    uint32_t sentences = 4 + nc_rand_below(&r, MORE);
    for (uint32_t k = 0; k < sentences; k++) {
      if (k) nc_putc(&b, ' ');
      sentence(&b, &r, people[who], people[other], (int)thing);
    }
    nc_put(&b, "\n\n");
  }
  *size = b.n;
  return nc_buf_str(&b);
}
