"""Files: whole models, weights, and what keeps them whole and harmless."""
