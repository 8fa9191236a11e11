/* Where frames lie, and the headers of usual ones: Ethernet or SLL, IPv4 without options, TCP. */
#ifndef INSPECTOR_FRAMES_H
#define INSPECTOR_FRAMES_H

#include "bytes.h"
#include "core.h"

enum { IPV4 = 20, TCP = 20 };

/* Whether a record lies within the data. */
static inline int lies_within(const struct record *record, int64_t size)
{
    return record->offset >= 0 && record->captured >= 0 &&
           record->captured <= size - record->offset;
}

/* The headers of a packet that the fast path can take. */
struct packet {
    const uint8_t *key;
    uint32_t ident, sequence, acknowledged, flags, window;
    int64_t header, length; /* of the TCP header as it claims, and of what follows it */
    int64_t total;          /* of the datagram, as it claims */
};

/* Whether a frame is Ethernet or SLL, IPv4 without options or fragments, and TCP. */
static inline int read_headers(const uint8_t *frame, int64_t captured, int64_t before_ip,
                               struct packet *out)
{
    if (captured < before_ip + IPV4 + TCP)
        return 0;
    const uint8_t *ip = frame + before_ip;
    out->total = be16(ip + 2);
    if (be16(ip - 2) != 0x0800 || ip[0] != 0x45 || ip[9] != 6 || be16(ip + 6) & 0x3FFF ||
        out->total < IPV4 + TCP)
        return 0;
    const uint8_t *tcp = ip + IPV4;
    out->key = ip + 12;
    out->ident = be16(ip + 4);
    out->sequence = be32(tcp + 4);
    out->acknowledged = be32(tcp + 8);
    out->header = (tcp[12] >> 2) & 0x3C;
    out->flags = tcp[13];
    out->window = be16(tcp + 14);
    out->length = out->total - IPV4 - out->header;
    return 1;
}

#endif
