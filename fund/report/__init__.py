"""Reports: statistics, inference, figures and the tearsheet."""
