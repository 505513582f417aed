/* Findings in the form that editors and build servers show at their lines: SARIF 2.1.0 (OASIS). */
#ifndef SAGA_OPERATE_SARIF_H
#define SAGA_OPERATE_SARIF_H

#include "base/diagnostic.h"

/* One document, with every kind of finding as a rule. Columns count code points, as in the text form. */
void saga_sarif_print(const struct saga_diagnostics *diagnostics, FILE *out);

#endif
