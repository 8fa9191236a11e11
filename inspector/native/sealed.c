/* Records of TLS in a copy, as far as they are application data: what `redaction/sealed.py` and
 * `redaction/tls_records.py` do, which specify it and take what this leaves. */
#include "bytes.h"
#include "core.h"
#include "tls.h"

/* Writes into blank bytes what a copy has of application data of TLS (RFC 8446 5.1): `walk->left`
 * bytes of a body, then whole headers and what comes of their bodies, which stay blank unless
 * `keeps`; how many bytes it passed.  It stops in front of another record, and of a header that is
 * not whole. */
int64_t inspector_core_seal(struct sealed *walk, const uint8_t *data, int64_t size, int64_t keeps,
                            uint8_t *out)
{
    int64_t at = 0;
    walk->records = 0;
    if (walk->left < 0)
        return 0;
    for (;;) {
        const int64_t body = walk->left < size - at ? walk->left : size - at;
        if (keeps)
            copy_bytes(out + at, data + at, body);
        at += body;
        walk->left -= body;
        const uint8_t *p = data + at;
        if (at > size - TLS_HEADER || p[0] != APPLICATION_DATA || be16(p + 1) != TLS_1_2)
            return at;
        const int64_t length = be16(p + 3);
        if (!length || length > LONGEST_RECORD)
            return at;
        copy_bytes(out + at, p, TLS_HEADER);
        at += TLS_HEADER;
        walk->left = length;
        walk->records++;
    }
}

/* Tells the records in pieces that are application data of TLS and nothing else, `walk->left` bytes
 * of one first; `start` is the offset of the first byte.  1: they are, `walk->records` of them.  0:
 * something else is in them, or a header that is not whole; -1: there is no room. */
int64_t inspector_core_headers(struct sealed *walk, const uint8_t *data, int64_t size,
                               const struct taken *in, int64_t count, int64_t start, int64_t *out,
                               int64_t room)
{
    int64_t made = 0, left = walk->left, at = start, have = 0, header = 0;
    walk->records = 0;
    if (left < 0 || room < 1)
        return 0;
    if (left) {
        out[made++] = start;
        out[made++] = 0;
    }
    for (int64_t i = 0; i < count; i++) {
        if (!is_within(in + i, size))
            return 0;
        for (int64_t p = in[i].start; p < in[i].stop;) {
            if (left) {
                const int64_t rest = in[i].stop - p, part = left < rest ? left : rest;
                if (!(out[made - 1] & HIDES) && hides(data + p, part))
                    out[made - 1] |= HIDES;
                p += part, at += part, left -= part;
                continue;
            }
            header = header << 8 | data[p++];
            at++;
            if (++have < TLS_HEADER)
                continue;
            left = header & 0xFFFF;
            if (header >> 16 != (APPLICATION_DATA << 16 | TLS_1_2) || !left || left > LONGEST_RECORD)
                return 0;
            if (made >= 2 * room)
                return -1;
            out[made++] = at - TLS_HEADER;
            out[made++] = header | BEGINS;
            header = have = 0;
        }
    }
    if (have)
        return 0;
    walk->left = left;
    walk->records = made / 2;
    return 1;
}
