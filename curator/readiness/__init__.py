"""Is a dataset worth a training? Checks from evidence to findings; no workspace, no clock."""
