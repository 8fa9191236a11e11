/* Application data of TLS (RFC 8446 5.1), and what a copy is told of a record of it. */
#ifndef INSPECTOR_TLS_H
#define INSPECTOR_TLS_H

#include "bytes.h"

enum { TLS_HEADER = 5, APPLICATION_DATA = 23, TLS_1_2 = 0x0303, LONGEST_RECORD = 16384 + 2048 };
enum { FILL = 'x' };

/* Told of a record: its header's bytes are there; something of its body is hidden; some of it was
 * not seen. */
static const int64_t BEGINS = INT64_C(1) << 40, HIDES = INT64_C(1) << 41, UNSEEN = INT64_C(1) << 42;

/* Whether anything but blanks stands there: mostly the first bytes tell. */
static inline int hides(const uint8_t *data, int64_t size)
{
    int64_t i = 0;
    for (; i <= size - 8; i += 8)
        if (le64(data + i) != eight(FILL))
            return 1;
    for (; i < size; i++)
        if (data[i] != FILL)
            return 1;
    return 0;
}

#endif
