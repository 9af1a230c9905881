"""Who may connect to whom, and who means to."""
