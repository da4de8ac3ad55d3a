//! Kills, restarts and what must survive them.
