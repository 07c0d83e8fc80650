"""Losses for the eye: features, a discriminator, and what keeps both from inventing patterns."""
