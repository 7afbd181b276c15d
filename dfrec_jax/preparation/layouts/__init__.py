"""A planner for each layout of the data sets that users have: from its folders and lists to a `Plan`."""
