"""A model on this machine's own address: a page, an OpenAI-compatible endpoint, a Label Studio ML backend."""
