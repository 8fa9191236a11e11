/* Where one of very many words of eight bytes may stand in a text: `secrets/windows.py`.
 *
 * Each word is three bits of a table (Bloom, 1970): where all are set it may be one, and who asked
 * looks it up; where one is not it is none. */
#include "bytes.h"
#include "core.h"

enum { WORD = 8, SMALLEST = 6, LARGEST = 40 };

static int has_table(const struct sieve *sieve)
{
    return sieve->bits && sieve->log >= SMALLEST && sieve->log <= LARGEST;
}

/* Which bit a word is under one of the factors: the highest bits of their product. */
static uint64_t bit_of(const struct sieve *sieve, int which, uint64_t word)
{
    return word * sieve->factors[which] >> (64 - sieve->log);
}

/* Enter words; how many. */
int64_t inspector_core_sow(const struct sieve *sieve, const uint64_t *words, int64_t count)
{
    if (!has_table(sieve))
        return 0;
    for (int64_t i = 0; i < count; i++)
        for (int which = 0; which < FACTORS; which++) {
            const uint64_t bit = bit_of(sieve, which, words[i]);
            sieve->bits[bit >> 6] |= UINT64_C(1) << (bit & 63);
        }
    return count;
}

static int may_be(const struct sieve *sieve, uint64_t word)
{
    for (int which = 0; which < FACTORS; which++) {
        const uint64_t bit = bit_of(sieve, which, word);
        if (!(sieve->bits[bit >> 6] >> (bit & 63) & 1))
            return 0;
    }
    return 1;
}

/* Where a run of one byte begins and stops, of which a word stands at `at`. */
static int64_t begin_of(const uint8_t *text, int64_t at)
{
    const uint8_t byte = text[at];
    while (at > 0 && text[at - 1] == byte)
        at--;
    return at;
}

static int64_t stop_of(const uint8_t *text, int64_t size, int64_t at)
{
    const uint8_t byte = text[at];
    while (at < size && text[at] == byte)
        at++;
    return at;
}

/* The first place, of `from` and every `step` bytes behind it, where a word may stand; -1: none.
 * A run of nothing but the word `fill` (of one byte; 0: of none) is passed over, if the words that
 * reach over its ends are none. */
int64_t inspector_core_sift(const struct sieve *sieve, const uint8_t *text, int64_t size,
                            int64_t step, int64_t from, uint64_t fill)
{
    if (!has_table(sieve) || step < 1 || step > WORD || from < 0)
        return -1;
    for (int64_t at = from; at <= size - WORD; at += step) {
        const uint64_t word = le64(text + at);
        if (may_be(sieve, word)) {
            if (!fill || word != fill || fill != (fill << 8 | fill >> 56))
                return at;
            const int64_t begin = begin_of(text, at), stop = stop_of(text, size, at);
            if ((begin && may_be(sieve, le64(text + begin - 1))) ||
                (stop < size && may_be(sieve, le64(text + stop - WORD + 1))))
                return at;
            at += (stop - WORD - at) / step * step;
            continue;
        }
        /* A copy is full of one byte that is repeated: within that every word is this one. */
        if (word == (word << 8 | word >> 56) && WORD % step == 0)
            while (at <= size - 2 * WORD && le64(text + at + WORD) == word)
                at += WORD;
    }
    return -1;
}
