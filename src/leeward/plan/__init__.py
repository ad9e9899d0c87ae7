"""What each source says to do now: actions, doses, limits, and why a step is blocked."""
