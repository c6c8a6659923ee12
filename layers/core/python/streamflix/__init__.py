"""What several rooms of StreamFlix's operations service share."""
