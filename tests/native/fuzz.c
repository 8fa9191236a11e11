/* The compiled core under libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer.
 *
 * The input is a program of four bytes a step: put, drop and find keys, set fields of directions,
 * join records of any place and length over the input itself, take what is held.  After each step
 * what must always be so is looked at.  Arrays are of their exact size on the heap, so that a byte
 * beyond one is seen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

enum { HALVES = 5, SLOTS = 16, ROOM = 3, RECORDS = 24, BYTES = 65536 };

#define MUST(what)                                                        \
    do {                                                                  \
        if (!(what)) {                                                    \
            fprintf(stderr, "line %d: not so: %s\n", __LINE__, #what);    \
            abort();                                                      \
        }                                                                 \
    } while (0)

static void *zeros(size_t count, size_t size)
{
    void *made = calloc(count, size);
    MUST(made);
    return made;
}

/* Of a frame that the fast path takes: 14 bytes of Ethernet, IPv4, TCP; the rest is the input's. */
static void make_usual(uint8_t *frame, size_t size, const uint8_t *key, uint32_t sequence,
                       uint32_t length)
{
    if (size < 54)
        return;
    uint32_t total = 40 + length;
    frame[12] = 8, frame[13] = 0, frame[14] = 0x45, frame[23] = 6, frame[20] = frame[21] = 0;
    frame[16] = (uint8_t)(total >> 8), frame[17] = (uint8_t)total;
    memcpy(frame + 26, key, KEY);
    for (int i = 0; i < 4; i++)
        frame[38 + i] = (uint8_t)(sequence >> (24 - 8 * i));
    frame[46] = 0x50, frame[47] = 0x10, frame[49] |= 1;
}

static void look(const struct state *state, int64_t live)
{
    int64_t used = 0;
    for (int64_t i = 0; i <= state->slot_mask; i++)
        used += state->slots[i].value != 0;
    MUST(used == live);
    MUST(state->segment_count >= 0 && state->segment_count <= state->segment_room);
    for (int64_t i = 0; i < state->half_count; i++)
        MUST(state->halves[i].next >= -1 && state->halves[i].next <= (int64_t)UINT32_MAX);
}

static void put_le32(uint8_t *text, int64_t length, int64_t at, uint32_t value)
{
    for (int i = 0; i < 4 && at + i < length; i++)
        text[at + i] = (uint8_t)(value >> 8 * i);
}

/* Make packet blocks of a text, or chunks, whole but for the last, as far as the lengths are true. */
static void shape(uint8_t *text, int64_t length, const uint8_t *input)
{
    const int lies = input[1] & 1;
    for (int64_t at = 0; (input[0] & 6) == 2 && at + 28 <= length;) {
        const uint32_t captured = text[at] % 50u, block = 32 + ((captured + 3) & ~3u);
        put_le32(text, length, at, 6);
        put_le32(text, length, at + 4, block);
        put_le32(text, length, at + 8, input[3] & 1u);
        put_le32(text, length, at + 20, lies && text[at + 1] > 200 ? captured + 4 : captured);
        put_le32(text, length, at + block - 4, block);
        at += block;
    }
    for (int64_t at = input[4] % 70; (input[0] & 6) == 6 && at + 5 <= length;) {
        const int64_t size = 1 + text[at] % 60;
        memcpy(text + at, (uint8_t[]){23, 3, 3, 0, (uint8_t)size}, 5);
        at += 5 + size;
    }
    for (int64_t at = 0; (input[0] & 6) == 4 && at + 8 <= length;) {
        const int64_t size = 1 + text[at] % 9;
        text[at] = (uint8_t)('0' + size);
        text[at + 1] = '\r', text[at + 2] = '\n';
        at += 3 + size;
        if (at + 2 <= length)
            text[at] = '\r', text[at + 1] = '\n';
        at += 2;
    }
}

/* The input as what is read in a file or a stream: after each call, where it came to. */
/* Whether one of the first words of a text, `each` bytes apart and before `end`, is that at `at`. */
static int is_among(const uint8_t *text, int64_t end, int64_t each, const uint8_t *at)
{
    for (int64_t i = 0; i < end; i += each)
        if (!memcmp(text + i, at, 8))
            return 1;
    return 0;
}

/* A copy of a text, in lower case where `folds`. */
static uint8_t *folded(const uint8_t *text, int64_t length, int64_t folds)
{
    uint8_t *low = zeros((size_t)length + !length, 1);
    for (int64_t i = 0; i < length; i++)
        low[i] = folds && text[i] >= 'A' && text[i] <= 'Z' ? text[i] | 0x20 : text[i];
    return low;
}

/* The words of a text's beginning as a set, and where in the whole of it and in another one they
 * stand: each is found, no other is, also when the set has been moved into a larger table. */
static void keep_windows(const uint8_t *input, const uint8_t *text, int64_t length)
{
    const int64_t room = input[3] % 64, behind = input[6] % 5, each = 1 + input[4] % 8;
    struct windows set = {0, input[6] == 77 ? 1000 : room, room + behind, 0,
                          UINT64_C(0xd1342543de82ef95),
                          {input[4] | 1, UINT64_C(0x9e3779b97f4a7c15) * (input[5] | 1)},
                          input[7] >> 7};
    struct windows larger = set, none = set;
    if (input[6] % 8)
        set.slots = zeros((size_t)set.size + !set.size, sizeof *set.slots);
    const int64_t first = length < 100 ? length : 100;
    uint8_t *known = folded(text, length, set.folds);
    const int64_t stop = inspector_core_enter(&set, known, first, each, 0);
    const int64_t words = first < 8 ? 0 : (first - 8) / each * each + 1;
    const int64_t end = stop < 0 ? words : stop;
    MUST(stop == -1 || (stop < words && stop % each == 0) || (stop == 0 && !set.count));
    int64_t count = 0;
    for (int64_t i = 0; i < end; i += each)
        count += !is_among(known, i, each, known + i);
    MUST(set.count == count);
    MUST(!count || !set.slots[set.size - 1]);

    larger.room = 1 + input[5];
    larger.size = larger.room + 1 + input[4] % 3;
    larger.slots = zeros((size_t)larger.size, sizeof *larger.slots);
    MUST(!inspector_core_move(&larger, &none) && !inspector_core_move(&none, &larger));
    const int has_moved = inspector_core_move(&larger, &set) == 1;
    MUST(!has_moved || larger.count == set.count);
    /* A run of one byte up to the end, and what stands in front of it and behind. */
    uint8_t *filled = zeros((size_t)length + !length, 1);
    memcpy(filled, text, (size_t)length);
    const int64_t run = length < 60 ? length : 10 + input[7] % 50, apart = 1 << input[4] % 4;
    memset(filled + length - run, 'x', (size_t)(run - (input[5] & 1 && run)));
    if (set.folds && run)
        filled[length - run / 2 - 1] = 'X';
    uint8_t *meant = folded(filled, length, set.folds);
    for (int which = 0; which < 2; which++) {
        const struct windows *asked = which && has_moved ? &larger : &set;
        const int64_t place = inspector_core_meet(asked, text, length, input[7] - 2, input[6] - 3, 0);
        MUST(place == -1 || (place >= input[6] - 3 && place <= length - 8));
        for (int64_t at = 0, begin = 0; begin <= length && at >= 0; begin = at + apart) {
            at = inspector_core_meet(asked, filled, length, apart, begin, 0);
            const int64_t until = at < 0 ? length - 7 : at;
            for (int64_t i = begin; i < until; i += apart)
                MUST(!is_among(known, count ? end : 0, each, meant + i));
            MUST(at < 0 || is_among(known, end, each, meant + at));
        }
    }
    /* The same run as fill: it is passed over, or what reaches over its ends is known. */
    const uint8_t fill[8] = {120, 120, 120, 120, 120, 120, 120, 120};
    uint64_t word = 0;
    memcpy(&word, input[5] & 2 || length < 8 ? fill : text, 8);
    inspector_core_enter(&larger, fill, 8, 1, 0);
    for (int64_t begin = 0, at = 0; begin <= length && at >= 0; begin = at + apart) {
        at = inspector_core_meet(&larger, filled, length, apart, begin, word);
        MUST(at == -1 || (at >= begin && at <= length - 8));
    }
    const int64_t from = input[7] - 3, left = inspector_core_enter(&set, text, length, input[5] - 3, from);
    MUST(left == -1 || (left >= from && left <= (from < 0 ? from : length)) || left == from);
    free(filled);
    free(known);
    free(meant);
    free(larger.slots);
    free(set.slots);
}

/* What is said between runs of fill, the last of which is where the text ends. */
static void read_said(const uint8_t *input, const uint8_t *text, int64_t length,
                      const struct record *records, int64_t count, struct usual *usual)
{
    uint8_t *filled = zeros((size_t)length, 1);
    memcpy(filled, text, (size_t)length);
    for (int64_t at = input[4]; at < length; at += 40 + input[5])
        memset(filled + at, 'x', (size_t)(length - at < input[6] % 40 ? length - at : input[6] % 40));
    memset(filled + length - 8, 'x', 8);
    if (count && input[7] & 1)
        usual[input[4] % count].start += input[7] & 2 ? -200 : 200;
    const int64_t room = input[2] & 1 ? 3 * length : input[2];
    uint8_t *out = zeros((size_t)room + !room, 1);
    const int64_t used = inspector_core_said(filled, length, usual, records, count, out, room);
    MUST(used >= -1 && used <= room && (used < 1 || out[used - 1] == '\n'));
    free(out);
    free(filled);
}

/* Rows of any place over a text, chained, and a direction that has some of its bytes. */
static void cover_rows(const uint8_t *input, const uint8_t *text, int64_t length)
{
    if (length < 16)
        return;
    const int64_t count = 1 + input[1] % RECORDS, ways = 1 + input[2] % 3;
    struct usual *rows = zeros((size_t)count, sizeof *rows);
    int64_t *following = zeros((size_t)count, sizeof *following), *firsts = zeros((size_t)ways, sizeof *firsts);
    uint8_t *data = zeros((size_t)length, 1), *flags = zeros((size_t)count, 1);
    memcpy(data, text, (size_t)length);
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *step = text + i * 4 % (length - 4);
        const int64_t start = step[1] * length / 255, stop = start + step[0] % 40;
        following[i] = -1;
        rows[i] = (struct usual){-1, (uint32_t)(start + step[2] % 64 / 60), step[3] & 2 && step[3] & 4,
                                 start, stop > length ? length : stop, step[3] % 4 - 1};
        if (step[2] % 16 == 1)
            rows[i].start = -1;
        if (step[2] % 16 == 2) { /* beyond the end */
            rows[i].start = rows[i].sequence = length - 1 - step[3] % 8;
            rows[i].stop = length + 1 + step[3] % 8;
        }
    }
    const int64_t begin = input[3] % count;
    inspector_core_chain(rows, begin, count, following, firsts, ways);
    for (int64_t way = 0; way < ways; way++)
        MUST(firsts[way] == -1 || (firsts[way] >= begin && firsts[way] < count));
    /* The stretch lies where the text does, as far as it goes: most rows are alike. */
    const int64_t base = input[4] % 8, held = (length - base) * (input[5] % 5) / 4;
    uint8_t *raw = zeros((size_t)held + !held, 1), *out = zeros((size_t)held + !held, 1);
    memcpy(raw, text + base, (size_t)held);
    memset(out, input[6] & 1 ? 'x' : '5', (size_t)held);
    if (input[6] & 16) { /* nothing was masked but what is no mask */
        memset(raw, 'x', (size_t)held);
        memset(data, 'x', (size_t)length);
    }
    struct cover cover = {input[2] & 64 ? length - 16 : 0, 0, input[7] * length / 200, input[6] & 2, base, held, raw, out, 2,
                          -1, -1, INT64_MAX, INT64_MAX, 0, 0, 0};
    /* Or application data, whose records lie where the text says. */
    int64_t *records = zeros(16, sizeof *records);
    if (input[3] & 64) {
        cover.records = records;
        cover.record_count = 1 + input[4] % 8;
        for (int64_t i = 0, place = base + 1 - input[5] % 3; i < cover.record_count; i++) {
            records[2 * i] = place;
            records[2 * i + 1] = (int64_t)text[i] << 34 | (input[5] & 8 ? INT64_C(0x1703030000) : 0);
            place += text[i] % 40;
        }
    }
    if (input[6] & 4)
        memcpy(out, raw, (size_t)held / 2);
    int64_t at = input[6] & 8 ? input[6] : firsts[0], calls = 0;
    while (at >= 0 && calls++ <= count) {
        at = inspector_core_cover(&cover, data, length, rows, following, count, at, flags);
        MUST(at >= -1 && at < count);
        if (at >= 0)
            at = following[at];
    }
    MUST(calls <= count + 1);
    int64_t waits = 0;
    for (at = cover.first; at >= 0 && waits <= count; at = following[at])
        waits++;
    MUST(waits <= count && (cover.first < 0 || cover.soonest > cover.decided));
    free(records);
    free(out);
    free(raw);
    free(flags);
    free(data);
    free(firsts);
    free(following);
    free(rows);
}

/* What directions say, put together: what lies about segments or rooms is refused. */
static void read_strands(const uint8_t *input, const uint8_t *text, int64_t length,
                         const struct usual *usual, int64_t count, int64_t ways)
{
    const int64_t room = input[2] % 8 ? count : input[2] / 8 % (count + 1);
    const int64_t bytes = input[3] % 4 ? length : input[3] / 4 % 32, seams = input[4] % 4 ? 2 * length : input[4] / 4 % 32;
    struct weave weave = {zeros((size_t)room + !room, sizeof(struct strand)),
                          zeros((size_t)room + !room, sizeof(struct piece)),
                          zeros((size_t)room + !room, 8), room,
                          zeros((size_t)ways + !ways, 8), ways,
                          zeros((size_t)bytes + !bytes, 1), bytes,
                          zeros((size_t)seams + !seams, 1), seams, 0, input[5] % 16 - 1};
    uint8_t *exact = zeros((size_t)length, 1);
    memcpy(exact, text, (size_t)length);
    const int64_t made = inspector_core_strands(&weave, exact, length, usual, count);
    MUST(made >= -1 && made <= room && weave.seams_used >= 0 && weave.seams_used <= seams);
    for (int64_t i = 0; i < made; i++) {
        const struct strand *strand = weave.strands + i;
        MUST(strand->pieces > 0 && strand->first < count && strand->begin + strand->length <= bytes);
        for (int64_t n = 0; n < strand->pieces; n++) {
            const struct piece *piece = weave.pieces + strand->piece + n;
            MUST(piece->length >= 0 && piece->offset >= 0);
            MUST(!memcmp(weave.bytes + strand->begin + piece->offset, exact + piece->start,
                         (size_t)piece->length));
        }
    }
    free(exact);
    free(weave.strands);
    free(weave.pieces);
    free(weave.of);
    free(weave.latest);
    free(weave.bytes);
    free(weave.seams);
}

/* Records of any place and length over a text: usual frames lie in them, and nowhere else. */
static void read_usual(const uint8_t *input, uint8_t *text, int64_t length)
{
    if (length < 8)
        return;
    struct record records[RECORDS];
    struct usual *found = zeros(RECORDS, sizeof *found);
    const int64_t count = 1 + input[1] % RECORDS, before_ip = input[0] % 4 ? 14 : input[0] % 20;
    for (int64_t i = 0; i < count; i++) {
        const uint8_t *step = text + i * 4 % (length - 4);
        const int64_t captured = length > 60 ? 40 + step[0] % 60 : 0;
        int64_t offset = length > 100 ? step[1] * (length - 100) / 255 : 0;
        if (step[2] % 8 == 0)
            offset = length - captured + step[3] % 2;
        records[i] = (struct record){0, offset, captured, captured};
        if (step[2] % 16 == 1)
            records[i].offset = step[3] & 1 ? -1 : INT64_MAX;
        else if (step[2] % 16 == 2)
            records[i].captured = step[3] & 1 ? -1 : INT64_MAX;
        else if (before_ip == 14 && offset >= 0 && offset + captured <= length)
            make_usual(text + offset, (size_t)captured, (uint8_t[KEY]){step[3] % 5}, 1,
                       (uint32_t)(step[3] & 31));
        if (before_ip == 14 && step[2] & 64 && offset >= 0 && offset + 70 <= length) {
            memcpy(text + offset + 46, "\x80\x10\1\1\0\0\0\0\1\1\x08\x0a", 12);
            memset(text + offset + 58, 0, step[1] & 1 ? 12 : 0);
            records[i].captured = 70;
        }
    }
    const int64_t places = input[3] % 2 ? 64 : 2; /* few of them: some have none */
    struct ways ways = {{1, 2}, zeros((size_t)places, sizeof(struct slot)), places - 1, 0};
    const int64_t made = inspector_core_usual(&ways, text, length, before_ip, records, count, found);
    MUST(made == (before_ip < 2 ? 0 : count) && ways.count <= places);
    for (int64_t i = 0; i < made; i++) {
        const struct usual *one = found + i;
        if (one->key < 0)
            continue;
        MUST(one->key >= records[i].offset + before_ip && one->start >= one->key + KEY &&
             one->start <= one->stop && one->way >= 0 && one->way < ways.count &&
             one->stop <= records[i].offset + records[i].captured && one->stop <= length);
    }
    free(ways.slots);
    if (made && input[6] & 1) {
        struct usual *liar = found;
        while (liar < found + made - 1 && liar->key < 0)
            liar++;
        liar->way += input[6] & 2 ? ways.count : 0;
        if (input[6] & 4)
            liar->start = -1 - input[7] % 8;
        if (input[6] & 8)
            liar->stop = length + 1 + input[7] % 8, liar->start = length - input[7] % 8;
        if (input[6] & 32)
            liar->start = liar->stop + 1 + input[7] % 8;
        liar->flags = input[6] & 16 ? 2 : 0;
    }
    read_strands(input, text, length, found, made, ways.count);
    read_said(input, text, length, records, made, found);
    free(found);
    int64_t used = -1;
    const int64_t room = input[7] * 8;
    uint8_t *bytes = zeros((size_t)room + 1, 1);
    struct record *moved = zeros((size_t)count, sizeof *moved);
    const int64_t gathered = inspector_core_gather(text, length, records, count, moved, bytes, room);
    int64_t next = 0;
    for (int64_t i = 0; i < gathered; next += moved[i++].captured) {
        MUST(moved[i].offset == next && moved[i].captured <= room - next);
        MUST(!memcmp(bytes + next, text + records[i].offset, (size_t)moved[i].captured));
    }
    uint8_t *own = zeros((size_t)length + !length, 1);
    memcpy(own, text, (size_t)length);
    const int64_t kept = inspector_core_gather(own, length, records, count, moved, own, length);
    next = 0;
    for (int64_t i = 0; i < kept; next += moved[i++].captured)
        MUST(!memcmp(own + next, text + records[i].offset, (size_t)moved[i].captured));
    free(own);
    records[input[4] % count].at = input[5] & 1 ? -1 : INT64_MAX;
    const int64_t written = inspector_core_blocks(text, length, records, count, input[6], input[5] & 2,
                                                  bytes, room, &used);
    MUST(written >= 0 && written <= count && used >= 32 * written && used <= room);
    free(moved);
    free(bytes);
}

/* The first half of a text as a copy of itself or of the second half, some of it masked; records may
 * lie, those of both alike. */
static void compare(const uint8_t *input, const uint8_t *text, int64_t length)
{
    const int64_t half = length / 2, each = half / ROOM;
    uint8_t foreign[256], *copy = zeros((size_t)half + !half, 1), *source = zeros((size_t)half + !half, 1);
    struct record copies[ROOM], sources[ROOM];
    for (int i = 0; i < 256; i++)
        foreign[i] = input[0] & 1 ? i % 5 != 0 : i != 'x';
    memcpy(copy, text, (size_t)half);
    memcpy(source, text + (input[0] & 2 ? half : 0), (size_t)half);
    for (int i = 0; i < ROOM; i++)
        copies[i] = sources[i] = (struct record){i, i * each, each, each};
    if (half > 40)
        memset(copy + input[1] % (half - 30), 'x', 30);
    if (half && input[2] & 1)
        copy[input[3] % half] = input[2];
    if (input[4] & 1)
        copies[input[4] % ROOM].captured = sources[input[4] % ROOM].captured = input[5] * 8;
    if (input[4] & 2)
        copies[input[5] % ROOM].offset = input[6] & 1 ? -1 - input[6] : half + input[6];
    if (input[4] & 4)
        sources[input[5] % ROOM].offset = (int64_t)input[6] << 55;
    if (input[4] & 8 && each)
        sources[ROOM - 1].captured--, sources[ROOM - 1].offset = half - each + 1;
    const int64_t from = input[7] % 5 - 1;
    const int64_t found = inspector_core_alike(copy, half, copies, source, half, sources, ROOM, from,
                                               foreign);
    MUST(found >= (from < 0 ? 0 : from < ROOM ? from : ROOM) && found <= ROOM);
    for (int64_t i = from < 0 ? 0 : from; i < found; i++) {
        MUST(copies[i].captured == sources[i].captured && copies[i].offset >= 0);
        for (int64_t at = 0; at < copies[i].captured; at++) {
            const uint8_t one = copy[copies[i].offset + at];
            MUST(one == source[sources[i].offset + at] || !foreign[one]);
        }
    }
    free(copy);
    free(source);
}

/* What JSON and events consist of, a piece for each byte of the input: most are items of an array
 * or members, some stand where they like. */
static int64_t written(const uint8_t *input, size_t size, uint8_t *out)
{
    static const char *const PIECES[] = {
        "12", "-0.5e+7", "1234567890123", "true", "null", "false", "\"x\"", "\"a\\u00e9\"", "\"\\n\"",
        "\"\xc3\xa9\"", "\"\xe2\x82\xac\"", "\"\xf0\x9f\x98\x80\"", "\"\xff\"", "\"placeholder\"",
        "\"a ghu_aaaa\"", "\"ERR_A\"", "[]", "[1", "{}", "{\"a\":\"b\"", "{\"model\":1", "\"p", "]", "}",
        ":", "\"", "\\", "e", " ", "\n", "\r\n", "\r", "data: ", "data: {\"a\":\"b\"}\n\n",
        "event: ping\n", "data: [DONE]\n\n", "\x01", "[", "{",
    };
    int64_t length = 0;
    for (size_t i = 0; i < size; i++) {
        const char *piece = PIECES[input[i] % (sizeof PIECES / sizeof *PIECES)];
        memcpy(out + length, piece, strlen(piece));
        length += (int64_t)strlen(piece);
        if (input[i] % 7 && i < size - 1)
            out[length++] = ',';
    }
    return length;
}

/* A body that is laid into a stretch of a stream, neither as long as it should be. */
static void lay(const uint8_t *input, const uint8_t *text, int64_t length)
{
    const int64_t size = input[2] % 40 < length ? input[2] % 40 : length;
    const int64_t body_size = input[4] % 20 < length ? input[4] % 20 : length;
    uint8_t *out = zeros((size_t)size + !size, 1), *body = zeros((size_t)body_size + !body_size, 1);
    memcpy(out, text, (size_t)size);
    memcpy(body, text, (size_t)body_size);
    int64_t places[8];
    uint64_t at = input[5] & 1 ? (uint64_t)input[5] << 56 : 7;
    const int64_t start = (int64_t)at;
    for (int i = 0; i < 8; i++) {
        at += i % 2 ? input[6] % 9 : input[1] % 4 ? 0 : input[1];
        at -= input[7] % 16 == i ? 1u + input[3] % 20 : 0;
        places[i] = (int64_t)at;
    }
    const int64_t laid = inspector_core_lay(out, size, start, places, 1 + input[0] % 4, body,
                                            body_size);
    MUST(laid == 0 || laid == 1);
    free(body);
    free(out);
}

/* A body that is masked: what is taken becomes `x` or stays, and nothing beyond it is touched. */
static void mask(const uint8_t *input, size_t size)
{
    enum { LONGEST_PIECE = 25 };
    uint8_t *made = zeros(size * LONGEST_PIECE + 1, 1);
    int64_t length = written(input + 8, size - 8, made);
    length -= input[7] % 16 < length ? input[7] % 16 : length;
    uint8_t *text = zeros((size_t)length + !length, 1), *out = zeros((size_t)length + !length, 1);
    memcpy(text, made, (size_t)length);
    struct known known = {input[0], 0, (int64_t[]){-1, 0, 1, 7, 31, 1 << 30}[input[1] % 6]};
    const int is_table = known.mask >= 0 && known.mask < 32;
    known.tokens = zeros(is_table ? (size_t)known.mask + 1 : 1, sizeof *known.tokens);
    for (int i = 0; i < 6; i++) {
        const int64_t begin = input[2] * i % (length + 1), room = length - begin;
        const int64_t rest = input[7] % 90 < room ? input[7] % 90 : room;
        const int64_t kind = 1 + i % 4 + (i == 5 ? input[3] : 0);
        const int64_t is_known = inspector_core_know(&known, kind, i, text + begin, rest);
        MUST(is_known == (is_table && kind < 256 && rest <= KNOWN_TEXT));
    }
    inspector_core_know(&known, KNOWN_NAME, 1, (const uint8_t *)"a", 1);
    inspector_core_know(&known, KNOWN_EVENT, 0, (const uint8_t *)"ping", 4);
    for (int is_json = 0; is_json < 2; is_json++) {
        const int64_t depth = (int64_t[]){-1, 0, 0, 1, 2, 59, 60, 61}[input[5] % 8];
        struct json json = {input[4] % 9 - 1, depth, input[3] & 1, 0, 2, 4, {0}};
        const int is_array = input[3] % 4 == 0;
        if (input[3] % 4 < 2)
            json.expects = json.depth = is_array;
        for (int i = 0; i < JSON_DEPTH; i++)
            json.names[i] = is_array || input[6] >> (i % 8) & 1 ? AN_ARRAY : (uint8_t)(i % 6);
        const int can_be = json.depth > 0 ? json.depth <= JSON_DEPTH
                                          : !json.depth && (!json.expects || json.expects == 6);
        memcpy(out, text, (size_t)length);
        const int64_t from = (int64_t[]){-1, 0, 0, 0, 0, 0, 1, 3}[input[6] % 8];
        const int64_t taken = (is_json ? inspector_core_mask_json : inspector_core_mask_events)(
            &json, &known, text, length, from, out);
        MUST(taken >= from && (taken <= length || taken == from));
        MUST(!is_json || can_be || taken == from);
        MUST(!is_json || taken == from || (json.depth >= 0 && json.depth <= JSON_DEPTH));
        for (int64_t i = 0; i < length; i++) {
            MUST(out[i] == text[i] || out[i] == 'x');
            MUST(out[i] == text[i] || !is_json || (i >= from && i < taken));
        }
    }
    const int64_t begin = input[2] % 30, stop = inspector_core_string(text, length, begin - 1);
    MUST(stop == begin - 1 || (stop >= begin - 1 && stop <= length));
    free(out);
    lay(input, text, length);
    free(known.tokens);
    free(text);
    free(made);
}

/* A block of a ring whose frames may claim more than there is. */
static void read_ring(const uint8_t *input, const uint8_t *text, int64_t length)
{
    uint8_t *block = zeros((size_t)length + !length, 1);
    memcpy(block, text, (size_t)length);
    for (int64_t at = input[3] % 8; at + 26 <= length;) {
        const uint32_t captured = block[at + 1] % 60u, next = 48 + captured + block[at + 2] % 9u;
        put_le32(block, length, at, input[5] & 1 && captured > 50 ? ~0u : next);
        put_le32(block, length, at + 12, input[6] & 1 ? captured + (captured > 55) * 0xFFFFFF00u : captured);
        block[at + 24] = 48 + block[at + 24] % 3, block[at + 25] = 0;
        at += next;
    }
    const int64_t room = 1 + input[4] % 9;
    struct record *out = zeros((size_t)room, sizeof *out);
    const int64_t made =
        inspector_core_walk_ring(block, length, input[3] % 8 - (input[7] == 1), input[2] & 1, out, room);
    MUST(made >= 0 && made <= room);
    for (int64_t i = 0; i < made; i++)
        MUST(out[i].offset >= 0 && out[i].captured >= 0 && out[i].offset + out[i].captured <= length);
    free(out);
    free(block);
}

/* Events are counted once each, and no more pieces are taken than there are. */
static void listen(const uint8_t *text, int64_t length, const struct taken *pieces, int64_t count,
                   const uint8_t *heads, int64_t heads_size)
{
    struct heard heard = {-1, -1, length & 1, {0}};
    const int64_t taken = inspector_core_events(&heard, text, length, pieces, count, heads,
                                                heads_size);
    int64_t seen = 0, ends = 0;
    for (int i = 0; i <= HEADS; i++)
        seen += heard.seen[i];
    for (int64_t i = 0; i + 1 < length; i++)
        ends += text[i] == '\n' && text[i + 1] == '\n';
    MUST(taken >= 0 && taken <= count && seen >= 0 && seen <= ends);
    MUST(!taken || (seen && heard.last == pieces[taken - 1].at));
    MUST(heard.reads_plain || !heard.seen[HEADS]);
}

/* Events one behind another, in pieces that end anywhere, one byte of them another. */
static void listen_to_many(const uint8_t *input)
{
    static const char *const SOME[] = {
        "\ndata: 0\n\n", "data: {\"choices\":[{\"finish_reason\":null}]}\n\n",
        "\ndata: {\"\xc3\xa9\":[\"\\n\"]}\n\n", "\ndata: -1.5\n\n",
    };
    const int count = input[0] % 80, kinds = 1 + input[1] % 4;
    int64_t length = 0;
    for (int i = 0; i < count; i++)
        length += (int64_t)strlen(SOME[i % kinds]);
    length -= length && input[2] & 1; /* the last one has not ended */
    uint8_t *text = zeros((size_t)length + !length, 1);
    for (int64_t i = 0, at = 0; at < length; i++)
        for (const char *p = SOME[i % kinds]; *p && at < length; p++)
            text[at++] = (uint8_t)*p;
    if (length && input[3] & 1)
        text[(input[4] << 8 | input[5]) % length] = input[6];
    struct taken pieces[5];
    for (int i = 0; i < 5; i++) /* many in the first, or cut anywhere */
        pieces[i] = (struct taken){i, i, i ? pieces[i - 1].stop : 0,
                                   i == 4 || input[2] & 2 ? length : length * (i + 1) / 5};
    if (input[2] & 4)
        pieces[input[3] % 5].start += input[7] % 3;
    listen(text, length, pieces, 5, (const uint8_t *)"", 1);
    free(text);
}

static void read_texts(const uint8_t *input, size_t size)
{
    if (size < 8)
        return;
    const int64_t length = (int64_t)size - 8;
    uint8_t *text = zeros(size - 7, 1);
    memcpy(text, input + 8, size - 8);
    shape(text, length, input);
    struct record *records = zeros(ROOM, sizeof *records);
    for (int kind = 0; kind < 2; kind++) {
        struct walk walk = {input[0] & 1, input[1] & 2 ? 1000 : 1, input[1] & 4 ? 24 : 16,
                            input[2] * 8, input[3] & 1, (int64_t)((uint64_t)input[4] << 56), input[5] & 7};
        for (int64_t count = ROOM; count == ROOM;) {
            const int64_t before = walk.at;
            count = (kind ? inspector_core_walk_pcapng : inspector_core_walk_classic)(
                &walk, text, length, records, ROOM);
            MUST(count >= 0 && count <= ROOM && walk.at >= before);
            MUST(!count || walk.at <= length);
            for (int64_t i = 0; i < count; i++)
                MUST(records[i].offset >= 0 && records[i].captured >= 0 &&
                     records[i].offset + records[i].captured <= length);
            int64_t least, most;
            MUST(inspector_core_span(records, count, 0, &least, &most) <= 1);
            if (walk.at == before)
                break;
        }
    }
    read_ring(input, text, length);
    struct taken pieces[4];
    for (int i = 0; i < 4; i++) /* cut anywhere, the last to the end */
        pieces[i] = (struct taken){i, i, i ? pieces[i - 1].stop : 0,
                                   i < 3 ? length * (i + 1) / (4 + (input[6] >> 7)) : length};
    if (input[6] & 64)
        pieces[input[6] & 3].stop = input[7] & 1 ? length + 1 + input[7] : -1;
    struct taken *out = zeros(ROOM, sizeof *out);
    struct chunking at = {input[6] & 3, input[7] & 63, 0, 0};
    if (at.position <= length / 4)
        for (int64_t made = ROOM; made == ROOM;) {
            made = inspector_core_chunks(&at, text, length, pieces, 4, out, ROOM);
            MUST(made >= 0 && made <= ROOM && at.index <= 4);
            for (int64_t i = 0; i < made; i++)
                MUST(out[i].start >= 0 && out[i].start <= out[i].stop && out[i].stop <= length);
        }
    struct sealed sealed = {input[4] % 70, input[5], 0, 0};
    const int64_t passed = inspector_core_sealed(&sealed, text, length, pieces, 4);
    /* As far as some place, where a header may be cut in two. */
    const int64_t cut = length - input[5] % 8 > 0 ? length - input[5] % 8 : 0;
    struct sealed copied = {input[4] % 70, 0, 0, 0};
    uint8_t *begun = zeros((size_t)cut + !cut, 1), *blank = zeros((size_t)cut + !cut, 1);
    memcpy(begun, text, (size_t)cut);
    if (cut > 8 && input[5] & 64)
        memcpy(begun + cut - input[5] % 5, (uint8_t[]){23, 3, 3, 0}, input[5] % 5);
    const int64_t written = inspector_core_seal(&copied, begun, cut, input[7] & 1, blank);
    MUST(written >= 0 && written <= cut && copied.left >= 0 && 5 * copied.records <= written);
    MUST(!copied.left || written == cut);
    for (int64_t i = written; i < cut; i++)
        MUST(!blank[i]);
    free(begun);
    free(blank);
    struct sealed told = {input[4] % 70, 0, 0, 0};
    const int64_t told_room = 1 + input[6] % 4;
    int64_t *headers = zeros((size_t)(2 * told_room), sizeof *headers);
    if (inspector_core_headers(&told, text, length, pieces, input[5] % 5, input[7], headers,
                               told_room) == 1)
        MUST(told.records <= told_room && told.left >= 0);
    free(headers);
    struct burst bursts[5] = {{input[4], input[5], input[6] & 1}};
    const int64_t burst_room = 1 + input[7] % 5;
    const int64_t found = inspector_core_bursts(pieces, 4, input[6], bursts, burst_room);
    MUST(found >= 0 && found <= burst_room);
    MUST(passed >= 0 && passed <= 4 && sealed.left >= 0 && sealed.records <= length + 4);
    /* One head, which is how the text begins, and may claim to be longer. */
    const int64_t room = 1 + input[7] % 8;
    uint8_t *heads = zeros((size_t)room, 1);
    heads[0] = input[5] % 16;
    memcpy(heads + 1, text, (size_t)(room - 1 < length ? room - 1 : length));
    listen(text, length, pieces, 4, heads, room);
    free(heads);
    listen_to_many(input);
    struct finder *finder = zeros(1, sizeof *finder);
    finder->count = input[0] % (LITERALS + 2);
    for (int i = 0; i < LITERALS && i * 4 + 4 <= length; i++) {
        finder->literals[i].length = input[1] % 20;
        memcpy(finder->literals[i].text, text + i * 4, 4);
        unsigned pair = (unsigned)text[i * 4] << 8 | text[i * 4 + 1];
        finder->pairs[pair >> 3] |= (uint8_t)(1 << (pair & 7));
    }
    const int64_t first = inspector_core_first(finder, text, length, input[2] - 3);
    MUST(first >= -1 && first < length);
    free(finder);
    keep_windows(input, text, length);
    for (size_t i = 8; i + 20 < size && i < 200; i += 20) /* few pieces, so that their end is met */
        mask(input + i, 8 + input[i] % 12u);
    cover_rows(input, text, length);
    read_usual(input, text, length);
    compare(input, text, length);
    free(out);
    free(records);
    free(text);
}

/* Everything that is held is taken, in as many calls as there is little room. */
static void settle(struct state *state, const uint8_t *data, int64_t size, struct taken *taken)
{
    int64_t made, least = 1;
    for (int64_t i = 0; i < state->segment_count; i++)
        if (state->segments[i].length > least)
            least = state->segments[i].length;
    uint8_t *bytes = zeros((size_t)least, 1);
    struct group *groups = zeros(1, sizeof *groups);
    while ((made = inspector_core_settle(state, data, size, groups, 1, taken, ROOM, bytes, least)))
        for (int64_t i = 0, row = 0; i < made; row += groups[i++].count) {
            int64_t sum = 0;
            MUST(groups[i].half >= 0 && groups[i].half < HALVES && groups[i].count > 0);
            if (state->halves[groups[i].half].batch == IN_PLACE) {
                MUST(!groups[i].bytes);
                for (int64_t j = 0; j < groups[i].count; j++)
                    MUST(is_within(taken + row + j, size));
                continue;
            }
            for (int64_t j = 0; j < groups[i].count; j++)
                sum += taken[row + j].stop - taken[row + j].start;
            MUST(sum == groups[i].bytes);
        }
    for (int i = 0; i < HALVES; i++)
        MUST(!state->halves[i].held);
    free(groups);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
    read_texts(input, size);
    struct state *state = zeros(1, sizeof *state);
    state->halves = zeros(HALVES, sizeof *state->halves);
    state->half_count = HALVES;
    state->slots = zeros(SLOTS, sizeof *state->slots);
    state->slot_mask = SLOTS - 1;
    state->segments = zeros(ROOM, sizeof *state->segments);
    state->segment_room = ROOM;
    state->before_ip = 14;
    struct taken *taken = zeros(ROOM, sizeof *taken);
    struct record *records = zeros(RECORDS, sizeof *records);
    uint8_t *bytes = zeros(BYTES, 1);
    uint8_t *data = zeros(size ? size : 1, 1);
    if (size)
        memcpy(data, input, size);
    for (int i = 0; i < HALVES; i++) {
        state->halves[i].next = state->halves[i].acked = state->halves[i].fin = -1;
        state->halves[i].first = state->halves[i].last = -1;
        state->halves[i].batch = 1;
        state->halves[i].room = 100;
    }
    int64_t live = 0, count = 0;
    for (uint8_t i = 0; i < 2; i++) /* two directions lead somewhere from the start */
        live += inspector_core_put(state, (uint8_t[KEY]){i}, i + 1);
    int64_t planned[HALVES] = {0}; /* bytes that records not yet joined add to a direction */
    for (size_t at = 0; at + 4 <= size; at += 4) {
        const uint8_t *step = input + at;
        uint8_t key[KEY] = {0};
        key[step[1] % 2] = step[2] % 2; /* three of them, which meet */
        struct half *half = state->halves + step[1] % HALVES;
        switch (step[0] % 13) {
        case 0: case 1: {
            if (2 * live > state->slot_mask)
                break; /* as its caller keeps it */
            int64_t value = (int64_t)(step[3] % (HALVES + 4)) - 2;
            if (!value)
                break;
            int64_t is_new = inspector_core_put(state, key, value);
            MUST(is_new == 0 || is_new == 1);
            live += is_new;
            MUST(inspector_core_find(state, key) == value);
            break;
        }
        case 2:
            live -= inspector_core_drop(state, key);
            MUST(!inspector_core_find(state, key));
            break;
        case 3:
            half->next = (int64_t)step[2] << 24 | step[3];
            half->batch = step[3] & 2 ? IN_PLACE : step[3] & 1;
            half->room = step[2];
            half->fin = step[3] & 64 ? step[2] : -1;
            break;
        case 4:
            half->skip = step[3] & 1 ? (int64_t)1 << 62 : step[2];
            half->early = step[3] > 224;
            if (step[3] & 2)
                half->skip = 0;
            break;
        case 5: case 6: case 9: case 10: case 11: {
            int64_t captured = step[3] & 8 ? step[2] : 54 + step[3] % 40;
            if (count == RECORDS || captured > (int64_t)size)
                break;
            struct record *record = records + count++;
            int64_t offset = step[3] & 16 ? (int64_t)size - captured : step[1];
            *record = (struct record){step[3], offset, captured, captured};
            int64_t to = inspector_core_find(state, key);
            if (offset + captured > (int64_t)size || to < 1 || to > HALVES || step[3] & 32)
                break;
            uint32_t length = step[3] % 40;
            int64_t next = state->halves[to - 1].next + planned[to - 1];
            make_usual(data + offset, (size_t)captured, key, (uint32_t)next, length);
            planned[to - 1] += length;
            break;
        }
        case 7: /* lengths that lie */
            if (count == RECORDS)
                break;
            memcpy(&records[count].offset, step, 4);
            records[count].offset -= (int64_t)step[0] << 33;
            records[count++].captured = step[2] & 1 ? INT64_MAX : -(int64_t)step[3];
            break;
        case 8: {
            int64_t from = 0;
            memset(planned, 0, sizeof planned);
            while (from <= count) {
                int64_t answer = inspector_core_join(state, data, (int64_t)size, records, count,
                                                     from);
                int64_t where = answer >> REASON_BITS;
                int64_t reason = answer & ((1 << REASON_BITS) - 1);
                MUST(where >= from && where <= count && reason <= FULL);
                if (reason == END) {
                    MUST(where == count);
                    break;
                }
                MUST(where < count);
                if (reason == SHOW)
                    MUST(state->start >= 0 && state->start <= state->stop &&
                         state->stop <= (int64_t)size && state->unseen >= 0);
                if (reason == SHOW || reason == FLUSH)
                    MUST(state->half >= 0 && state->half < HALVES);
                if (reason == FLUSH)
                    state->halves[state->half].room = 100;
                look(state, live);
                if (reason == FULL) {
                    settle(state, data, (int64_t)size, taken);
                    state->segment_count = 0;
                    from = where;
                } else {
                    from = where + 1;
                }
            }
            break;
        }
        default: {
            if (step[0] & 1) {
                settle(state, data, (int64_t)size, taken);
                break;
            }
            int64_t held = half->held;
            int64_t index = half - state->halves;
            /* With little room some stay held, and come next. */
            half->before = step[1];
            const int64_t room = step[2] & 2 ? ROOM : step[1] % ROOM;
            struct taken *few = zeros((size_t)room + !room, sizeof *few);
            int64_t found = inspector_core_take(state, data, (int64_t)size, index, few, room,
                                                bytes, step[3]);
            memcpy(taken, few, (size_t)room * sizeof *few);
            free(few);
            half->before = 0;
            MUST(found <= room && half->held == held - found);
            for (int64_t i = 0; i < found; i++)
                MUST(half->batch == IN_PLACE
                         ? is_within(taken + i, (int64_t)size)
                         : taken[i].start == (i ? taken[i - 1].stop : step[1]) &&
                     taken[i].start <= taken[i].stop && taken[i].stop <= step[1] + step[3]);
            MUST(inspector_core_take(state, data, (int64_t)size, index, taken, ROOM, bytes, BYTES) ==
                 held - found);
            MUST(!half->held);
            MUST(inspector_core_take(state, data, (int64_t)size, step[3] - 100, taken, ROOM, bytes,
                                     BYTES) <= ROOM);
        }
        }
        look(state, live);
    }
    struct slot *wider = zeros(2 * SLOTS, sizeof *wider);
    MUST(inspector_core_rehash(state, wider, 2 * SLOTS - 1) == live);
    free(wider);
    free(data);
    free(records);
    free(bytes);
    free(taken);
    free(state->segments);
    free(state->slots);
    free(state->halves);
    free(state);
    return 0;
}

#ifdef ALONE /* without libFuzzer: inputs by chance */
static const char LETTERS[] = "12a\r\n\r\n\ndata: {}[]:,\"\\u00-.5e";

int main(int argc, char **argv)
{
    long runs = argc > 1 ? atol(argv[1]) : 1000;
    srand(1);
    for (long run = 0; run < runs; run++) {
        size_t size = (size_t)(rand() % 1500);
        uint8_t *input = zeros(size + 1, 1);
        for (size_t i = 0; i < size; i++)
            input[i] = (uint8_t)rand();
        if (run % 3 == 0) /* of the letters that chunks and events are made of */
            for (size_t i = 8; i < size; i++)
                input[i] = (uint8_t)LETTERS[(size_t)rand() % (sizeof LETTERS - 1)];
        if (run % 3 == 1) /* of small numbers, as headers are */
            for (size_t i = 8; i < size; i++)
                input[i] = (uint8_t)(i % 4 == 3 || i % 4 == 0 ? rand() % 40 : 0);
        LLVMFuzzerTestOneInput(input, size);
        free(input);
    }
    return 0;
}
#endif
