//! The shop as its users see it: HTTP in, read model out.
