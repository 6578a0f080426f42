// The KV cache: pairs of neighbouring elements, as two halves in one word or (KEYS_F32, VALUES_F32) as two floats.
//
// Keys lie so that neighbouring positions are neighbours in memory, values so that neighbouring elements are:
//   keys   [kv_head][position / CACHE_BLOCK][pair][position % CACHE_BLOCK]
//   values [kv_head][position][pair]
const uint CACHE_BLOCK = 8;

#ifdef KEYS_F32
#define KEY_PAIR vec2
#define PACK_KEY(v) (v)
#define UNPACK_KEY(v) (v)
#else
#define KEY_PAIR uint
#define PACK_KEY(v) packHalf2x16(v)
#define UNPACK_KEY(v) unpackHalf2x16(v)
#endif

#ifdef VALUES_F32
#define VALUE_PAIR vec2
#define PACK_VALUE(v) (v)
#define UNPACK_VALUE(v) (v)
#else
#define VALUE_PAIR uint
#define PACK_VALUE(v) packHalf2x16(v)
#define UNPACK_VALUE(v) unpackHalf2x16(v)
#endif

uint key_index(const uint head, const uint position, const uint pair, const uint context, const uint pairs) {
  return (head * context + position / CACHE_BLOCK * CACHE_BLOCK) * pairs + pair * CACHE_BLOCK + position % CACHE_BLOCK;
}

uint value_index(const uint head, const uint position, const uint pair, const uint context, const uint pairs) {
  return (head * context + position) * pairs + pair;
}
