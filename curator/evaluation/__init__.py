"""Base beside tuned on what neither saw: answers, scores, both views, general ability."""
