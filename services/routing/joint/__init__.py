"""Many hands on one matter: parts and measures, whistles, slips and their answers, matters passed on."""
