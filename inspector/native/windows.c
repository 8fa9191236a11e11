/* A set of words of eight bytes, and where in a text one of them stands: `secrets/windows.py`.
 *
 * An open table in which words stand in the order of what they are mixed to, as near as they can to
 * where that belongs (Amble and Knuth, 1974): the search for one that is not there, as for nearly
 * every word of a text, ends at the first that is greater, so that four of five slots may be taken. */
#include "bytes.h"
#include "core.h"

enum { WORD = 8, MOST_ROOM = 1 << 30 };

/* The last slot is free, so that every search ends. */
static int is_sound(const struct windows *set)
{
    return set->slots && set->room >= 1 && set->room <= MOST_ROOM && set->size > set->room &&
           !set->slots[set->size - 1];
}

/* What stands for a word: another one for each, but for two that nobody knows.  Never 0. */
static uint64_t mixed(const struct windows *set, uint64_t word)
{
    uint64_t mix = (word ^ set->salt) * set->factors[0];
    mix = (mix ^ mix >> 32) * set->factors[1];
    return mix + !mix;
}

/* Where it stands, or the slot that it would take: the first free one, or that of a greater one. */
static int64_t slot_of(const struct windows *set, uint64_t mix)
{
    int64_t at = (int64_t)((mix >> 32) * (uint64_t)set->room >> 32);
    while (set->slots[at] - 1 < mix - 1)
        at++;
    return at;
}

/* Whether a word of a text stands for one of the set. */
static int has(const struct windows *set, uint64_t word)
{
    const uint64_t mix = mixed(set, set->folds ? in_lower_case(word) : word);
    return set->slots[slot_of(set, mix)] == mix;
}

/* 0: there is no room for it. */
static int put(struct windows *set, uint64_t mix)
{
    const int64_t at = slot_of(set, mix);
    if (set->slots[at] == mix)
        return 1;
    int64_t end = at;
    while (set->slots[end])
        end++;
    if (end == set->size - 1)
        return 0;
    for (; end > at; end--)
        set->slots[end] = set->slots[end - 1];
    set->slots[at] = mix;
    set->count++;
    return 1;
}

/* Enter the words at `from` and every `step` bytes behind it.  -1: all of them; else where the first
 * one stands that has no room. */
int64_t inspector_core_enter(struct windows *set, const uint8_t *text, int64_t size, int64_t step,
                             int64_t from)
{
    if (!is_sound(set) || step < 1 || step > WORD || from < 0)
        return from;
    for (int64_t at = from; at <= size - WORD; at += step)
        if (!put(set, mixed(set, le64(text + at))))
            return at;
    return -1;
}

/* Enter the words of a set into a larger one that mixes alike.  1: all of them; 0: it has no room. */
int64_t inspector_core_move(struct windows *to, const struct windows *from)
{
    if (!is_sound(to) || !is_sound(from))
        return 0;
    for (int64_t at = 0; at < from->size; at++)
        if (from->slots[at] && !put(to, from->slots[at]))
            return 0;
    return 1;
}

/* Whether two bytes are equal, or where `folds` the same letter. */
static int is_same(uint8_t byte, uint8_t other, int64_t folds)
{
    return byte == other || (folds && in_lower_case(byte) == in_lower_case(other));
}

/* Where a run of one byte begins and stops, of which a word stands at `at`. */
static int64_t begin_of(const uint8_t *text, int64_t at, int64_t folds)
{
    const uint8_t byte = text[at];
    while (at > 0 && is_same(text[at - 1], byte, folds))
        at--;
    return at;
}

static int64_t stop_of(const uint8_t *text, int64_t size, int64_t at, int64_t folds)
{
    const uint8_t byte = text[at];
    while (at < size && is_same(text[at], byte, folds))
        at++;
    return at;
}

/* The first place, of `from` and every `step` bytes behind it, where a word of the set stands; -1:
 * none.  A run of nothing but the word `fill` (of one byte; 0: of none) is passed over, if the words
 * that reach over its ends are none. */
int64_t inspector_core_meet(const struct windows *set, const uint8_t *text, int64_t size,
                            int64_t step, int64_t from, uint64_t fill)
{
    if (!is_sound(set) || step < 1 || step > WORD || from < 0)
        return -1;
    for (int64_t at = from; at <= size - WORD; at += step) {
        const uint64_t word = le64(text + at);
        if (has(set, word)) {
            const uint64_t folded = set->folds ? in_lower_case(word) : word;
            if (!fill || folded != fill || fill != (fill << 8 | fill >> 56))
                return at;
            const int64_t begin = begin_of(text, at, set->folds);
            const int64_t stop = stop_of(text, size, at, set->folds);
            if ((begin && has(set, le64(text + begin - 1))) ||
                (stop < size && has(set, le64(text + stop - WORD + 1))))
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
