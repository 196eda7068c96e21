"""A pack of one's own: made, checked on paper, looked at in a browser."""
