/* What tests of commands have in common: what a command says and how it ends, keys for anchors, and snapshots to wait for. Trouble
 * fails the test with words. */
#ifndef SAGA_TEST_EXPECT_H
#define SAGA_TEST_EXPECT_H

#include "harness/cluster.h"

/* `saga ARGUMENTS` (printf; split at spaces) ends with `code` and says `words`. */
void saga_test_expect(struct saga_test_cluster *cluster, int code, const char *words,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* What the last of these said, until the next; cut to 256 KiB. */
const char *saga_test_said(void);

/* A pair of Ed25519 keys in the cluster's folder: anchor.key and anchor.pub. */
void saga_test_anchor_keys(const struct saga_test_cluster *cluster);

/* Waits until the last marker of each lane is of a place in the journal behind `place`; `ret` has those places, by lane. */
void saga_test_wait_snapshots(struct saga_test_cluster *cluster, int64_t place, int64_t *ret);

#endif
