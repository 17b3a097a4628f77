"""The calls over HTTP as OpenAPI describes them, for programs."""
