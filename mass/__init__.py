"""Mass work: translate and caption what one process would take too long for, by many processes or machines."""
