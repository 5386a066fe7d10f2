"""Layers for images: brought to a size, changed at random for training, corrected."""
