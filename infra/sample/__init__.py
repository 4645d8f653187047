"""Sample data of our own writing: 云南, its bodies, items, institutions, sites and enterprises."""
