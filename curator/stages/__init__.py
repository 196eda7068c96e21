"""The stages: one file, one function, one name each."""
