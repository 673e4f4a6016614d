"""What a run costs: prices, estimates before it, meters during it."""
