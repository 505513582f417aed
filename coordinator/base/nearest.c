#include "base/nearest.h"

enum { NAME_MAX_COMPARED = 63, DISTANCE_MAX = 3 };

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

size_t saga_edit_distance(struct saga_slice a, struct saga_slice b)
{
    size_t row[NAME_MAX_COMPARED + 1];
    size_t a_size = a.size < NAME_MAX_COMPARED ? a.size : NAME_MAX_COMPARED;
    size_t b_size = b.size < NAME_MAX_COMPARED ? b.size : NAME_MAX_COMPARED;
    for (size_t j = 0; j <= b_size; j++) row[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t changed = diagonal + (a.data[i - 1] != b.data[j - 1]);
            diagonal = row[j];
            row[j] = least(changed, row[j] + 1, row[j - 1] + 1);
        }
    }
    return row[b_size];
}

bool saga_is_near(struct saga_slice name, size_t distance)
{
    size_t allowed = 1 + name.size / 4; /* a short word is near to everything */
    return distance <= (allowed < DISTANCE_MAX ? allowed : DISTANCE_MAX);
}

const char *saga_nearest(struct saga_slice name, const char *const *candidates, size_t count)
{
    const char *best = NULL;
    size_t best_distance = 0;
    for (size_t i = 0; i < count; i++) {
        size_t distance = saga_edit_distance(name, saga_slice_of(candidates[i]));
        if (best && distance >= best_distance) continue;
        best = candidates[i];
        best_distance = distance;
    }
    return best && saga_is_near(name, best_distance) ? best : NULL;
}
