"""Names and personal data in texts, by rules and by a model."""
