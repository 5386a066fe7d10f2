"""What takes the place of a layer's weights: whole numbers of few bits, and low-rank additions that are trained in their stead.

A layer says by its `_adaptable_` which weights these may be, and how they enter its computation; nothing else of it knows of them.
"""
