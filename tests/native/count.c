/* A fixed input for the compiled core's hot loop, whose instructions a test counts: packets of fifty
 * connections in turn, a third of them acknowledgements, a third unseen, a third held in batches. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

enum { CONNECTIONS = 50, PACKETS = 3000, LENGTH = 120, FRAME = 54 + LENGTH, SLOTS = 256 };

static struct half halves[CONNECTIONS];
static struct slot slots[SLOTS];
static struct segment segments[PACKETS];
static struct record records[PACKETS];
static struct taken taken[PACKETS];
static uint8_t data[PACKETS * FRAME];
static uint8_t bytes[1 << 17];

static void be(uint8_t *at, uint32_t value, int bytes)
{
    while (bytes--)
        at[bytes] = (uint8_t)value, value >>= 8;
}

int main(void)
{
    struct state state = {.seed = {1, 2}, .halves = halves, .half_count = CONNECTIONS,
                          .slots = slots, .slot_mask = SLOTS - 1, .segments = segments,
                          .segment_room = PACKETS, .before_ip = 14, .first_packet = 1};
    uint32_t next[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        uint8_t key[KEY] = {172, 30, 0, 20, 172, 30, 0, 30, 0x9c, (uint8_t)i, 0x27, 0x11};
        halves[i].next = next[i] = (uint32_t)i * 1000003u;
        halves[i].acked = halves[i].fin = halves[i].first = halves[i].last = -1;
        halves[i].skip = i % 2 ? (int64_t)1 << 62 : 0;
        halves[i].batch = 1;
        halves[i].room = 8192;
        inspector_core_put(&state, key, i + 1);
    }
    for (int i = 0; i < PACKETS; i++) {
        int to = i % CONNECTIONS, length = i % 3 ? LENGTH : 0;
        uint8_t *frame = data + i * FRAME;
        be(frame + 12, 0x0800, 2);
        frame[14] = 0x45;
        be(frame + 16, 40u + (uint32_t)length, 2);
        be(frame + 18, (uint32_t)i + 1, 2);
        frame[23] = 6;
        memcpy(frame + 26, (uint8_t[KEY]){172, 30, 0, 20, 172, 30, 0, 30, 0x9c, (uint8_t)to,
                                          0x27, 0x11}, KEY);
        be(frame + 38, next[to], 4);
        be(frame + 42, (uint32_t)i, 4);
        frame[46] = 0x50, frame[47] = 0x10;
        be(frame + 48, 501, 2);
        next[to] += (uint32_t)length;
        records[i] = (struct record){i, i * FRAME, 54 + length, 54 + length};
    }
    int64_t at = 0, answer;
    do {
        answer = inspector_core_join(&state, data, sizeof data, records, PACKETS, at);
        if ((answer & 7) == FLUSH) {
            inspector_core_take(&state, data, sizeof data, state.half, taken, PACKETS, bytes,
                                sizeof bytes);
            halves[state.half].room = 8192;
        }
        at = (answer >> REASON_BITS) + 1;
    } while ((answer & 7) != END);
    printf("%d packets, %d taken\n", PACKETS, (int)state.tcp_packets);
    return state.tcp_packets != PACKETS;
}
