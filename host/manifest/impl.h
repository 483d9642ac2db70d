/* What a manifest keeps for itself. */
#pragma once

#include "manifest/schema.h"
#include "manifest/source.h"

struct manifest_impl {
    struct arena arena; /* holds the manifest's contents, itself aside */
    struct manifest_sources sources;
    struct node *root;               /* all files, merged */
    struct manifest_actor prototype; /* built-in values and `defaults` */
};

extern const struct field document_fields[]; /* struct manifest: the top level */
