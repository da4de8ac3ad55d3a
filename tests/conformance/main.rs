//! Habits and contracts, held by tests.
