"""How well do scores predict retraining? The linear datamodeling score (LDS) on a small image classifier."""
