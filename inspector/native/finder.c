/* Where one of a few short texts stands first in a long one: `literals.py`. */
#include "core.h"

/* The first place at or behind `from` where one of the literals begins; -1: none. */
int64_t inspector_core_first(const struct finder *finder, const uint8_t *text, int64_t size,
                             int64_t from)
{
    const int64_t count = finder->count;
    if (count < 0 || count > LITERALS)
        return -1;
    for (int64_t at = from < 0 ? 0 : from; at < size - 1; at++) {
        const unsigned pair = (unsigned)text[at] << 8 | text[at + 1];
        if (!(finder->pairs[pair >> 3] >> (pair & 7) & 1))
            continue;
        for (int64_t i = 0; i < count; i++) {
            const struct literal *literal = finder->literals + i;
            int64_t length = literal->length, same = 0;
            if (length < 2 || length > LONGEST_LITERAL || length > size - at)
                continue;
            while (same < length && literal->text[same] == text[at + same])
                same++;
            if (same == length)
                return at;
        }
    }
    return -1;
}
