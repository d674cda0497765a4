//! YAML text → document: reading, interpolation, secrets, spans, did-you-mean.
