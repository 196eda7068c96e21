"""Fine-tuning: checked input, settings, the loop, preferences, sweeps."""
