"""What the papers print, and our row beside it."""
