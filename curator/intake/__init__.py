"""What files bring: every record read or set aside with its reason."""
