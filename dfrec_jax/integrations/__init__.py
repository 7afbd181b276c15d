"""DFREC inside the frameworks of others."""
