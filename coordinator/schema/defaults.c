/* The defaults of a schema's fields as Avro: made once, when all types are known. */
#include "base/error.h"
#include "base/limits.h"
#include "schema/schema_internal.h"

int saga_schema_field_default(struct saga_schema_field *field, struct saga_arena *arena,
                              struct saga_slice *ret_words)
{
    struct saga_slice bytes;
    if (field->default_is_being_made) {
        *ret_words = SAGA_SLICE("its default contains itself");
        return SAGA_E_INVALID;
    }
    field->default_is_being_made = true;
    int error = saga_schema_encode(field->type, field->default_json, true,
                                   SAGA_SCHEMA_DEFAULT_BYTES_MAX, arena, &bytes, ret_words);
    field->default_is_being_made = false;
    if (error == SAGA_OK) field->default_bytes = bytes;
    return error;
}

int saga_schema_make_defaults(struct saga_schema_scope *scope, struct saga_slice *ret_words)
{
    for (size_t t = 0; t < scope->type_count; t++) {
        struct saga_schema *type = scope->types[t];
        for (size_t i = 0; i < type->field_count; i++) {
            struct saga_schema_field *field = &type->fields[i];
            struct saga_slice words;
            if (!field->default_json.data || field->default_bytes.data) continue;
            int error = saga_schema_field_default(field, scope->arena, &words);
            if (error == SAGA_OK) continue;
            *ret_words = saga_arena_printf(
                scope->arena, "the default of %.*s.%.*s does not fit: %.*s",
                SAGA_SLICE_ARG(type->name), SAGA_SLICE_ARG(field->name), SAGA_SLICE_ARG(words));
            return error;
        }
    }
    return SAGA_OK;
}
