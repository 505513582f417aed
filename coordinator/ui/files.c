#include "ui/files.h"

const struct saga_ui_file *saga_ui_file(struct saga_slice path)
{
    if (saga_slice_is(path, "/")) path = SAGA_SLICE("/index.html");
    for (size_t i = 0; i < saga_ui_file_count; i++)
        if (saga_slice_equal(saga_ui_files[i].path, path)) return &saga_ui_files[i];
    return NULL;
}
