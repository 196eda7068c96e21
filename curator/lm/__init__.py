"""Language models: load them safely, run them over shared prefixes, merge and store them."""
