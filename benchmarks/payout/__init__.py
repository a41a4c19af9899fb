"""Would we pay the right people? Shares beside the true shares that retraining shows."""
