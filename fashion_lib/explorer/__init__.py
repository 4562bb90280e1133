"""The explorer: questions to trained runs in a window, as a notebook widget or as a page; it trains nothing."""
