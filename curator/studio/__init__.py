"""Label Studio, from both sides: the embedded server, and the pushing and pulling that any server understands."""
