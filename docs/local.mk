# docs
EXTRA_DIST += docs/errors
