"""Many projects: found, planned, carried out in shards by any number of machines, and reported on."""
