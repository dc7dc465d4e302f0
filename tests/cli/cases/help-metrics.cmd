help metrics
