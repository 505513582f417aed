#include "operate/audit_definitions.h"

#include "base/error.h"
#include "operate/output.h"

static void add_fault(struct saga_audit_definitions *d, int64_t offset, struct saga_slice words)
{
    saga_faults_add(d->faults, saga_difference_name(SAGA_DIFFERENCE_DEFINITION), d->place, -1,
                    offset, SAGA_SLICE_NONE, words);
}

void saga_audit_definition(struct saga_audit_definitions *d, const struct saga_message *message,
                           struct saga_slice sha256)
{
    char found[2 * SAGA_SHA256_BYTES + 1];
    saga_sha256_hex(message->value, found);
    if (!saga_slice_is(sha256, found))
        add_fault(d, message->offset,
                  saga_arena_printf(d->call->arena,
                                    "%s has another content than the SHA-256 beside it says",
                                    saga_printable(d->call->arena, message->key)));
    saga_deployment_take(&d->deployment, message, d->call->arena);
}

/* NULL: it cannot be read, or is not what its key says; what was decided by it is named then. */
static struct saga_definition *load(struct saga_audit_definitions *d,
                                    const struct saga_deployed *deployed)
{
    struct saga_definition *definition = saga_deployed_load(d->call, deployed);
    if (!definition || (definition->version == deployed->version &&
                        saga_slice_equal(definition->name, deployed->name)))
        return definition;
    add_fault(d, deployed->offset,
              saga_arena_printf(d->call->arena, "its key says %.*s/%u, its content %.*s/%u",
                                SAGA_SLICE_ARG(deployed->name), deployed->version,
                                SAGA_SLICE_ARG(definition->name), definition->version));
    saga_definition_free(definition);
    return NULL;
}

int saga_audit_definitions_load(struct saga_audit_definitions *d)
{
    if (saga_catalog_new(&d->catalog) < 0) return SAGA_EXIT_FAILED;
    saga_catalog_use_schemas(d->catalog, d->call->schemas);
    for (size_t i = 0; i < d->deployment.left_out_count; i++)
        fprintf(saga_call_words(d->call), "%s, offset %lld counts for nothing: %s\n", d->place,
                (long long)d->deployment.left_out[i].offset, d->deployment.left_out[i].why);
    for (size_t i = 0; i < d->deployment.count; i++) {
        struct saga_definition *definition = load(d, &d->deployment.items[i]);
        /* a conflict cannot be: the first of a name and version is the only one that was read */
        if (definition) (void)saga_catalog_add(d->catalog, definition);
    }
    return SAGA_EXIT_DONE;
}
